package limiter

import (
	"math"
	"testing"
	"time"
	"unsafe"
)

func TestIdleLaneIsSmall(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	size := unsafe.Sizeof(*b) + unsafe.Sizeof(*b.pacer.lim)
	answer(b, epoch, 200, left(100, 99, epoch.Add(10*time.Second)))
	for _, w := range b.windows {
		size += unsafe.Sizeof(*w) + uintptr(cap(w.permits.ring))*unsafe.Sizeof(slot{}) + unsafe.Sizeof(w)
	}
	if size > 1024 {
		t.Errorf("a lane with one window takes %d bytes", size)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for name, step := range steps() {
		for range 10_000 {
			step()
		}
		if n := testing.AllocsPerRun(1000, step); n != 0 {
			t.Errorf("%s: %v allocations a call", name, n)
		}
	}
}

// steps are lanes in a steady state; each step is one call from the decision to the observation.
func steps() map[string]func() {
	lane := func(cfg Config, hint func(now time.Time) *Hint) func() {
		now := epoch
		b := New(cfg, now)
		h := hint(now)
		return func() {
			for {
				at, why := b.ReadyAt(now)
				if why == Ready {
					break
				}
				now = at
			}
			b.Start(now)
			sent := now
			now = now.Add(100 * time.Microsecond)
			if h != nil {
				h.Windows[0].Reset = Interval{now.Add(time.Second), now.Add(time.Second)}
			}
			b.Observe(now, Observation{Sent: sent, Received: now, Status: 200, Hint: h})
		}
	}
	none := func(time.Time) *Hint { return nil }
	return map[string]func(){
		"unlimited": lane(Config{Start: math.Inf(1)}, none),
		"untold":    lane(DefaultConfig(), none),
		"told":      lane(DefaultConfig(), func(now time.Time) *Hint { return left(500, 400, now.Add(time.Second)) }),
	}
}

func BenchmarkDecideAndObserve(b *testing.B) {
	for name, step := range steps() {
		b.Run(name, func(b *testing.B) {
			for range 10_000 {
				step()
			}
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
