package limiter

import (
	"testing"
	"time"
)

// refuser is a destination with windows by the clock that says nothing but when it refuses, and then all: what rack-attack's
// README has its users send.
type refuser struct {
	limit, used int64
	per         time.Duration
	begin       time.Time
	after       bool // it says Retry-After and nothing else
}

func (r *refuser) decide(now time.Time) (ok bool, h *Hint) {
	if at := now.Truncate(r.per); at.After(r.begin) {
		r.begin, r.used = at, 0
	}
	if r.used < r.limit {
		r.used++
		return true, nil
	}
	end := r.begin.Add(r.per)
	if r.after {
		return false, &Hint{HasRetryAfter: true, RetryAfter: end.Sub(now).Truncate(time.Second) + time.Second}
	}
	return false, &Hint{N: 1, Windows: [MaxWindows]Window{{
		Limit: r.limit, Remaining: 0, HasReset: true, Reset: Interval{end, end.Add(time.Second)}, Source: "RateLimit-*",
	}}}
}

// drive saturates a budget for a time, and returns how many calls were accepted and refused.
func (r *refuser) drive(b *Budget, from time.Time, during time.Duration) (accepted, refused int64) {
	for now := from; now.Before(from.Add(during)); {
		at, why := b.ReadyAt(now)
		if why != Ready {
			now = at
			continue
		}
		b.Start(now)
		o := Observation{Sent: now, Received: now.Add(time.Millisecond), Status: 200}
		ok, h := r.decide(now)
		if accepted++; !ok {
			accepted--
			refused++
			o.Status, o.Hint = 429, h
		}
		now = o.Received
		b.Observe(now, o)
	}
	return accepted, refused
}

// A window of which only refusals tell is used as if it had been told at first; and it is tried out again from time to time,
// for nothing else would show that it allows more by now.
func TestAWindowOfWhichOnlyRefusalsTellIsLearnedAndTriedAgain(t *testing.T) {
	for _, r := range []refuser{{limit: 100, per: 10 * time.Second}, {limit: 300, per: time.Minute}} {
		for phase := range 5 {
			from := epoch.Add(time.Duration(phase) * r.per / 5)
			b := New(DefaultConfig(), from)
			d := r
			d.drive(b, from, 2*r.per)
			now := from.Add(2 * r.per)
			ok, refused := d.drive(b, now, 10*time.Minute)
			whole := float64(r.limit) * 10 * time.Minute.Seconds() / r.per.Seconds()
			if use := float64(ok) / whole; use < 0.97 || float64(refused) > 0.005*whole {
				t.Errorf("%d per %s, phase %d: use %.3f, %d refused", r.limit, r.per, phase, use, refused)
			}
			d.limit *= 3
			now = now.Add(10 * time.Minute)
			d.drive(b, now, 15*time.Minute)
			ok, _ = d.drive(b, now.Add(15*time.Minute), 10*time.Minute)
			if use := float64(ok) / whole / 3; use < 0.95 {
				t.Errorf("%d per %s, phase %d: 15 minutes after it was raised to three times that, use %.3f", r.limit, r.per, phase, use)
			}
		}
	}
}

// A sender that is slow for a second, as on a machine that has other things to do, has not had what was accepted before
// forgotten: the first level is that of the whole window.
func TestAStallBeforeTheFirstRefusalDoesNotLowerTheFirstLevel(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	d := refuser{limit: 100, per: 10 * time.Second, after: true}
	d.drive(b, epoch, 2800*time.Millisecond)
	d.drive(b, epoch.Add(4*time.Second), 8*time.Second)
	if got := b.Rate(epoch.Add(12 * time.Second)); got < 8 || got > 12 {
		t.Errorf("%.1f calls a second after a window of 100 in 10 s was used up, want some 10", got)
	}
}

// What was used up before the lane's first call, by others or by an earlier run, is not in the lane's own count: the reset that the
// first answer tells is all that is known.
func TestAFirstAnswerThatRefusesHoldsUntilItsReset(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	answer(b, epoch, 429, left(100, 0, epoch.Add(90*time.Second)))
	at, why := b.ReadyAt(epoch)
	for why != Ready {
		at, why = b.ReadyAt(at)
	}
	if held := at.Sub(epoch); held < 90*time.Second || held > 92*time.Second {
		t.Errorf("the next call is held for %v, want 90 s", held)
	}
}

// Calls that came just before a window's edge are not in the window that refuses: the lane's own count is more than its limit, but the
// end that is told is to be kept nonetheless, and the window is known from its first refusal.
func TestCallsBeforeAWindowsEdgeDoNotHideTheWindowThatRefuses(t *testing.T) {
	for _, before := range []time.Duration{50 * time.Millisecond, 550 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond} {
		d := refuser{limit: 100, per: 10 * time.Second}
		from := epoch.Add(d.per - before)
		b := New(DefaultConfig(), from)
		_, first := d.drive(b, from, before+d.per)
		ok, refused := d.drive(b, from.Add(before+d.per), time.Minute)
		if ok < 580 || first+refused > 3 {
			t.Errorf("%v before an edge: %d of 600 accepted after the first window, %d refused; want 580 and 3 at most", before, ok, first+refused)
		}
	}
}

// TestRackAttacksWindowIsKnownFromItsFirstRefusals at any phase: what its refusals tell is exact, whatever may have been cut off
// from it, and a window that is taken to be too long would be used in part with nothing to show it. Measured over whole windows.
func TestRackAttacksWindowIsKnownFromItsFirstRefusals(t *testing.T) {
	for _, limit := range []Rule{
		{5, time.Second}, {8, time.Second}, {20, time.Second}, {50, time.Second}, {30, 2 * time.Second}, {50, 5 * time.Second},
		{100, 10 * time.Second}, {100, 15 * time.Second}, {60, time.Minute}, {1000, time.Minute},
	} {
		for _, trip := range []time.Duration{200 * time.Microsecond, 80 * time.Millisecond} {
			for phase := range 10 {
				from := limit.Per - limit.Per*time.Duration(phase)/10 + max(limit.Per, 10*time.Second) // until an edge
				during := max(10*limit.Per, time.Minute)
				s := study{
					cfg: DefaultConfig(), host: &rackAttack{limit: limit.N, per: int64(limit.Per / time.Second)}, rtt: trip, noise: time.Millisecond,
					drowsy: time.Millisecond, after: limit.Per * time.Duration(phase) / 10, within: from + during, seed: uint64(phase),
				}
				accepted := 0
				s.judged = func(at time.Duration, ok bool, _ float64) {
					if ok && at >= from {
						accepted++
					}
				}
				s.run(t)
				if use := float64(accepted) / (float64(limit.N) * during.Seconds() / limit.Per.Seconds()); use < 0.975 {
					t.Errorf("%d/%v from %v away, phase %d: use %.3f, want 0.975", limit.N, limit.Per, trip, phase, use)
				}
			}
		}
	}
}
