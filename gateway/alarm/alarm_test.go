package alarm

import (
	"testing"
	"time"
)

// both runs a test with either kind of alarm: the most punctual one of this system and the one that is everywhere.
func both(t *testing.T, test func(t *testing.T, a Alarm)) {
	punctual, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]Alarm{"punctual": punctual, "timer": NewTimer()} {
		t.Run(name, func(t *testing.T) {
			test(t, a)
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// wait sets an alarm as its user does, until it is time.
func wait(a Alarm, at time.Time) {
	for a.Set(at); time.Now().Before(at); a.Set(at) {
		<-a.Rings()
	}
}

func TestItRingsAgainAndAgain(t *testing.T) {
	both(t, func(_ *testing.T, a Alarm) {
		for range 3 {
			wait(a, time.Now().Add(2*time.Millisecond))
		}
	})
}

func TestAnEarlierInstantReplacesALaterOne(t *testing.T) {
	both(t, func(_ *testing.T, a Alarm) {
		a.Set(time.Now().Add(time.Hour))
		wait(a, time.Now().Add(time.Millisecond))
	})
}

func TestWhatIsPastRingsAtOnce(t *testing.T) {
	both(t, func(_ *testing.T, a Alarm) {
		a.Set(time.Now().Add(-time.Hour))
		<-a.Rings()
	})
}

func TestItRingsThoughItWasNotHeardBefore(t *testing.T) {
	both(t, func(_ *testing.T, a Alarm) {
		before := time.Now().Add(200 * time.Microsecond)
		for a.Set(before); !time.Now().After(before); {
		}
		wait(a, time.Now().Add(time.Millisecond))
	})
}
