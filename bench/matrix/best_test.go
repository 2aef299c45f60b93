package matrix

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// quick are chosen cells that take little time, one in so many.
func quick(oneIn int) (cells []*Cell) {
	all := Chosen()
	n := 0
	for i := range all {
		c := &all[i]
		p := c.plan(1)
		if calls := c.Rate() * max(1, c.Change) * (p.end - p.begin).Seconds(); calls > 4000 || c.window() > time.Hour {
			continue
		}
		if n++; n%oneIn == 0 {
			cells = append(cells, c)
		}
	}
	return cells
}

// TestTheBestIsNeverRefusedAndNeverBeaten: over a whole run nobody has more calls accepted. Half a per cent and two
// calls are for jitter: each call has its own, and who is refused in between meets another one.
func TestTheBestIsNeverRefusedAndNeverBeaten(t *testing.T) {
	for _, c := range quick(2) {
		best := mustBest(t, c, 3)
		if best.Refused > 0 || best.Accepted == 0 {
			t.Errorf("%s: the best has %d calls accepted and %d refused", c.Name(), best.Accepted, best.Refused)
		}
		if c.Shared > 0 {
			continue // others' places can be taken
		}
		for _, k := range []*Kind{Sluice, AWS} {
			if r := mustRun(t, c, k, 3); float64(r.Accepted) > 1.005*float64(best.Accepted)+2 {
				t.Errorf("%s: %s has %d calls accepted, the best %d", c.Name(), k.Name, r.Accepted, best.Accepted)
			}
		}
	}
}

func TestTheBestTakesTheWholeLimitOfEveryWindow(t *testing.T) {
	for _, a := range []destination.Algorithm{destination.Fixed, destination.FixedFirst, destination.SlidingLog,
		destination.Bucket, destination.GCRA, destination.Leaky, destination.LeakyQueue} {
		for _, rtt := range roundTrips {
			c := oneCell(destination.Spec{Algorithm: a, Limit: 100, Per: 10 * time.Second}, destination.NoHeaders, rtt)
			windows := int(c.planOf(7).span() / (10 * time.Second))
			if got := mustBest(t, c, 7).Steady; got != 100*windows {
				t.Errorf("%s: %d accepted in %d windows, want %d", c.Name(), got, windows, 100*windows)
			}
		}
	}
}

func (c *Cell) planOf(seed uint64) *plan {
	p := c.plan(seed)
	return &p
}

// A sliding counter rounds its estimate up: while anything of the window before is left, that counts for one call, and
// of N calls a window N-1 are accepted.
func TestTheBestOfASlidingCounterIsOneLessThanItsLimit(t *testing.T) {
	c := oneCell(destination.Spec{Algorithm: destination.SlidingCounter, Limit: 10, Per: time.Second},
		destination.NoHeaders, time.Millisecond)
	seconds := int(c.planOf(1).span() / time.Second)
	if got := mustBest(t, c, 1).Steady; got != 9*seconds {
		t.Errorf("%d accepted in %d s, want 9 a second", got, seconds)
	}
}

func TestTheBestUsesAChangedLimitFromTheInstantItChanges(t *testing.T) {
	for _, change := range []float64{0.4, 2.5} {
		c := oneCell(hundredInTen, destination.Draft8, time.Millisecond, func(c *Cell) { c.Change = change })
		p := c.planOf(5)
		r := mustBest(t, c, 5)
		before := int((p.pause - p.steady) / (10 * time.Second))
		after := int((p.end - p.again) / (10 * time.Second))
		if want := 100*before + int(100*change)*after; r.Steady != want || r.Adapted < 0 || r.Adapted > 10*time.Second {
			t.Errorf("%s: %d accepted where it counts, want %d; adapted in %s", c.Name(), r.Steady, want, r.Adapted)
		}
	}
}

func TestTheBestTakesNoPlaceThatOthersNeed(t *testing.T) {
	for _, a := range []destination.Algorithm{destination.Fixed, destination.FixedFirst, destination.SlidingLog,
		destination.SlidingCounter, destination.Bucket, destination.GCRA} {
		c := oneCell(destination.Spec{Algorithm: a, Limit: 100, Per: 10 * time.Second}, destination.Draft8, time.Millisecond,
			func(c *Cell) { c.Shared = foreignShare })
		p := c.planOf(11)
		alone, err := newServer(c, p, 11)
		if err != nil {
			t.Fatal(err)
		}
		if err := alone.advance(p.end); err != nil {
			t.Fatal(err)
		}
		if r := mustBest(t, c, 11); r.Foreign != alone.accepted {
			t.Errorf("%s: %d calls of others accepted beside the best, %d without it", c.Name(), r.Foreign, alone.accepted)
		}
	}
}

// In a window aligned to the clock, the best gets what others leave of it.
func TestTheBestOfASharedWindowIsWhatIsLeft(t *testing.T) {
	c := oneCell(hundredInTen, destination.Draft8, time.Millisecond, func(c *Cell) { c.Shared = foreignShare })
	p := c.planOf(2)
	others := map[instant]int{}
	r := road{c, 2}
	for _, f := range r.foreign(p.end) {
		others[f/(10*time.Second)]++
	}
	want := 0
	for w := p.steady / (10 * time.Second); w < p.end/(10*time.Second); w++ {
		want += max(0, 100-others[w])
	}
	if got := mustBest(t, c, 2).Steady; got != want {
		t.Errorf("%d accepted, want what others leave: %d", got, want)
	}
}

func TestTheBestIsBoundByTheSendersCap(t *testing.T) {
	c := oneCell(destination.Spec{Algorithm: destination.Fixed, Limit: 100, Per: time.Second}, destination.NoHeaders,
		80*time.Millisecond, func(c *Cell) { c.Workers, c.Jitter = 1, 0 })
	r := mustBest(t, c, 1)
	if rate := float64(r.Steady) / r.Span.Seconds(); rate < 12.4 || rate > 12.6 {
		t.Errorf("%.2f calls a second with one at a time over 80 ms, want 12.5", rate)
	}
}
