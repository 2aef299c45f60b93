package limiter

import (
	"testing"
	"time"
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
