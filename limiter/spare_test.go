package limiter

import (
	"testing"
	"time"
)

// A pace beyond the level is tried no further, and what is accepted earns no more calls at once.
func TestNothingMoreIsTriedWhileAHostIsSpared(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	e := &b.explore
	e.level, e.depth, e.rise, e.double, e.origin = 50, 0.1, 10, 60, -19*time.Second
	if pace := e.pace(0); pace <= 50 {
		t.Fatalf("%.1f a second is not beyond the level of 50", pace)
	}
	b.calls.shown(4)
	b.calls.clean, b.calls.reached = mostEvery, true
	b.Spare(epoch)
	if pace := e.pace(0); pace > 50 {
		t.Errorf("%.1f a second while the host is spared, want the level of 50 at most", pace)
	}
	if b.calls.accept(time.Minute, time.Millisecond); b.calls.limit != 4 {
		t.Errorf("%d calls at once are tried while the host is spared, want 4", b.calls.limit)
	}
}
