package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

func TestAShortPauseThatIsAskedForEndsWhatALongOneTaught(t *testing.T) {
	var p past
	p.paused(50*time.Second, true)
	if p.paused(time.Second, false); p.pause < 30*time.Second {
		t.Errorf("a short pause that nobody asked for leaves %v of 50 s, want a mean", p.pause)
	}
	if p.paused(time.Second, true); p.pause != time.Second {
		t.Errorf("a pause of a second that was asked for leaves %v to be expected", p.pause)
	}
}

func TestAFewCallsBetweenRefusalsGiveNoLeaveToGoFarBeyondTheLevel(t *testing.T) {
	for _, c := range []struct {
		calls float64
		asked bool
		steep bool
	}{{few, false, false}, {enough, false, true}, {few, true, true}} {
		e := explorer{curve: curve{level: 6}, experience: &experience{learned: learned{past: past{episodes: 3, refusals: 1}}}}
		e.shape(&lesson{was: 10, good: 6, best: 6, calls: c.calls, asked: c.asked}, callsUntold)
		if steep := e.double < againDouble; steep != c.steep {
			t.Errorf("%v calls, asked %v: the pace doubles within %.0f s", c.calls, c.asked, e.double)
		}
	}
}

func TestASettledLevelIsTriedLessOften(t *testing.T) {
	rise := func(episodes int32, told float64) float64 {
		e := explorer{curve: curve{level: 10}, experience: &experience{learned: learned{past: past{episodes: episodes, refusals: 1}}}}
		e.shape(&lesson{was: 10, good: 10, best: 10, calls: 300, told: told}, callsUntold)
		return e.rise
	}
	if young, old := rise(settled-1, 0), rise(settled, 0); old < 1.25*young {
		t.Errorf("a settled level is tried again after %.0f s, one that is not after %.0f s", old, young)
	}
	if young, old := rise(settled-1, 10), rise(settled, 10); old > young {
		t.Errorf("where the limit is told: a settled level is tried again after %.0f s, else after %.0f s", old, young)
	}
}

// A window that goes by the clock and was whole again early in the first pause looks shorter than it is, and its level is too high. It is used
// up again by the same number of calls, and waited for then; no further calls are refused to find its level.
func TestAWindowThatIsUsedUpAgainByAsManyCallsIsKnownByThem(t *testing.T) {
	for _, c := range []struct {
		spec    destination.Spec
		refused int
	}{
		{destination.Spec{Algorithm: destination.Fixed, Limit: 5, Per: 10 * time.Second}, 5},
		{destination.Spec{Algorithm: destination.Fixed, Limit: 600, Per: time.Minute}, 50}, // 30 of them at once, at 640 a second
	} {
		for _, part := range []float64{0.4, 0.5, 0.6, 0.7, 0.8} {
			s := study{
				cfg: DefaultConfig(), spec: c.spec, headers: untold, rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond,
				after: time.Duration(part * float64(c.spec.Per)), within: 12 * c.spec.Per, seed: 1,
			}
			if f := s.run(t); f.use(c.spec) < 0.97 || f.refused > c.refused {
				t.Errorf("%d/%v, from %.1f of a window on: use %.3f, %d refused; want 0.97, %d", c.spec.Limit, c.spec.Per, part,
					f.use(c.spec), f.refused, c.refused)
			}
		}
	}
}
