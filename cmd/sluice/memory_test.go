package main

import "testing"

func TestTheSoftLimitOfMemoryLeavesRoomAboveWhatIsAlive(t *testing.T) {
	for _, c := range []struct {
		alive uint64
		want  int64
	}{{0, leastMemory}, {100 << 20, leastMemory}, {300 << 20, leastMemory}, {410 << 20, 483 << 20}, {450 << 20, mostMemory}, {1000 << 20, 1132 << 20}} {
		if got := memoryLimit(c.alive); got != c.want {
			t.Errorf("%d bytes alive: limit %d, want %d", c.alive, got, c.want)
		}
	}
}
