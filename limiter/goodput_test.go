package limiter

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestGoodputBestAgreesWithAList compares the best rate with the one over all times that begin with a slot, counted one
// by one.
func TestGoodputBestAgreesWithAList(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 11))
		from := tick(random.IntN(1000)) * time.Millisecond
		g := goodput{slots: &slots{each: firstSlot}}
		g.restart(from)
		now := from
		var calls []tick
		for range 1 + random.IntN(600) {
			now += tick(random.ExpFloat64() * float64(20*time.Millisecond) * float64(1+random.IntN(5)))
			g.accept(now)
			calls = append(calls, now)
		}
		now += tick(random.IntN(100)) * time.Millisecond
		least := tick(1+random.IntN(3000)) * time.Millisecond
		want := 0.0
		for begin := from; begin <= calls[len(calls)-1]; begin += g.slots.each {
			n := 0
			for _, at := range calls {
				if at >= begin {
					n++
				}
			}
			if span := now - begin; span >= least {
				want = max(want, float64(n)/span.Seconds())
			}
		}
		if got := g.best(now, least); got < want-1e-9 || got > want+1e-9 {
			t.Fatalf("seed %d: best %v, want %v", seed, got, want)
		}
		if g.n != len(calls) || g.slots.each > 2*max((now-from)/goodputSlots, firstSlot) {
			t.Fatalf("seed %d: %d calls in slots of %v over %v", seed, g.n, g.slots.each, now-from)
		}
	}
}

func TestGoodputWithoutSlotsCountsOnly(t *testing.T) {
	var g goodput
	g.restart(time.Second)
	for i := range 100 {
		g.accept(time.Second + tick(i)*10*time.Millisecond)
	}
	if g.mean(2*time.Second) != 100 || g.best(2*time.Second, 0) != 0 {
		t.Errorf("mean %v, best %v; want 100, 0", g.mean(2*time.Second), g.best(2*time.Second, 0))
	}
}
