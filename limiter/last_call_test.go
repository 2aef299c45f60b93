package limiter

import (
	"testing"
	"time"
)

// paced is a budget that found by refusals that ten calls a second are let through, whose calls took 1 ms, and at the end of
// whose last one it is.
func paced(t *testing.T) (*Budget, time.Time) {
	t.Helper()
	b := New(DefaultConfig(), epoch)
	now := epoch
	for i := range 40 {
		at, why := b.ReadyAt(now)
		if why != Ready {
			now = at
			at, why = b.ReadyAt(now)
		}
		if why != Ready {
			t.Fatalf("call %d waits for %s until %v", i, why, at)
		}
		b.Start(now)
		status := 200
		if i == 20 {
			status = 429
		}
		received := now.Add(time.Millisecond)
		b.Observe(received, Observation{Sent: now, Status: status})
		now = received
	}
	return b, now
}

// start begins the next call, and returns when it did.
func start(t *testing.T, b *Budget, now time.Time) time.Time {
	t.Helper()
	for range 3 {
		at, why := b.ReadyAt(now)
		if why == Ready {
			b.Start(now)
			return now
		}
		now = at
	}
	t.Fatalf("it is not ready when it said that it would be: %v", now)
	return now
}

func TestTheNextCallComesAsMuchLaterAsTheLastOneArrived(t *testing.T) {
	b, now := paced(t)
	apart := time.Duration(float64(time.Second) / b.Rate(now))
	for _, took := range []time.Duration{time.Millisecond, 8 * time.Millisecond, 30 * time.Millisecond} {
		sent := start(t, b, now)
		now = sent.Add(took)
		b.Observe(now, Observation{Sent: sent, Status: 200})
		want := apart + max(0, took-2*time.Millisecond) // the usual round trips, and by how much they vary
		got := start(t, b, now)
		if d := got.Sub(sent); d < want-time.Millisecond || d > want+3*time.Millisecond {
			t.Errorf("after a round trip of %v the next call begins %v after the last one, want %v", took, d, want)
		}
		now = got.Add(time.Millisecond)
		b.Observe(now, Observation{Sent: got, Status: 200})
	}
}

func TestADistanceCountsFromWhenTheLastCallWasSent(t *testing.T) {
	b, now := paced(t)
	apart := time.Duration(float64(time.Second) / b.Rate(now))
	const waited = 7 * time.Millisecond // for a processor
	began := start(t, b, now)
	sent := began.Add(waited)
	now = sent.Add(time.Millisecond)
	b.Observe(now, Observation{Sent: sent, Status: 200})
	if d := start(t, b, now).Sub(sent); d < apart-time.Millisecond {
		t.Errorf("the next call begins %v after the last was sent, want %v", d, apart)
	}
}

func TestACallThatIsNotAnsweredHoldsUpTheNextForOneDistanceOnly(t *testing.T) {
	b, now := paced(t)
	apart := time.Duration(float64(time.Second) / b.Rate(now))
	sent := start(t, b, now)
	if d := start(t, b, sent).Sub(sent); d < 2*apart-time.Millisecond || d > 2*apart+time.Millisecond {
		t.Errorf("the next call begins %v after one that is not answered, want %v", d, 2*apart)
	}
}

// Of a destination whose answers take longer than calls are apart, the last one is never there in time.
func TestFarAwayNoCallWaitsForTheAnswerToTheLast(t *testing.T) {
	b, now := paced(t)
	apart := time.Duration(float64(time.Second) / b.Rate(now))
	for range 3 * rttSamples {
		sent := start(t, b, now)
		now = sent.Add(2 * apart)
		b.Observe(now, Observation{Sent: sent, Status: 200})
	}
	sent := start(t, b, now)
	if d := start(t, b, sent).Sub(sent); d > apart+time.Millisecond {
		t.Errorf("the next call begins %v after the last, want %v", d, apart)
	}
}

func TestAnUnknownLaneDoesNotCatchUpWhereADistanceMayBeLimited(t *testing.T) {
	for _, c := range []struct {
		start   float64
		catches bool
	}{{10, false}, {100, false}, {500, true}} {
		b := New(Config{Start: c.start}, epoch)
		apart := time.Duration(float64(time.Second) / c.start)
		b.Start(epoch)
		late := epoch.Add(apart + apart/4)
		b.Start(late)
		at, _ := b.ReadyAt(late)
		if caughtUp := at.Sub(late) < apart; caughtUp != c.catches {
			t.Errorf("at %v a second, the call after one that was late begins %v later; catches up %t, want %t", c.start,
				at.Sub(late), caughtUp, c.catches)
		}
	}
}
