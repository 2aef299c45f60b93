package limiter

import (
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// teller is a window that tells what it allows, and in how many whole seconds it is whole again, with each refusal, and nothing before.
type teller struct {
	limit   int64
	per     time.Duration
	clock   bool // its windows go by the clock, else by their first call
	renews  bool // a refusal begins the window anew: it asks for all of it
	rounded bool // seconds are cut off, else rounded up

	used int64
	end  time.Time
}

func (h *teller) judge(now time.Time) (bool, []destination.Header) {
	if !now.Before(h.end) {
		h.used, h.end = 0, now.Add(h.per)
		if h.clock {
			h.end = now.Truncate(h.per).Add(h.per)
		}
	}
	if h.used < h.limit {
		h.used++
		return true, nil
	}
	if h.renews {
		h.end = now.Add(h.per)
	}
	left := h.end.Sub(now)
	if !h.rounded {
		left += time.Second - 1
	}
	header := func(name string, value int64) destination.Header {
		return destination.Header{Name: name, Value: strconv.FormatInt(value, 10)}
	}
	seconds := int64(left / time.Second)
	return false, []destination.Header{
		header("X-RateLimit-Limit", h.limit), header("X-RateLimit-Remaining", 0),
		header("X-RateLimit-Reset", seconds), header("Retry-After", seconds),
	}
}

// driveStarting drives one from paces at which its first refusal comes early in its window, late, or between, and returns the least use
// and the most refused of all.
func driveStarting(t *testing.T, h teller) (use, refused float64) {
	t.Helper()
	use = 1
	for start := 4.0; start < 60; start *= 1.1 {
		host := h
		s := study{
			cfg: DefaultConfig(), host: &host, rtt: 200 * time.Microsecond, noise: 400 * time.Microsecond, drowsy: time.Millisecond,
			after: time.Duration(start * 1e9), within: 2*max(h.per, 10*time.Second) + time.Minute, seed: uint64(start * 10),
		}
		s.cfg.Start = start
		accepted, late, no := 0.0, 0.0, 0.0
		s.judged = func(at time.Duration, ok bool, _ float64) {
			switch {
			case !ok:
				no++
			default:
				accepted++
				if at >= s.within-time.Minute {
					late++
				}
			}
		}
		s.run(t)
		use = min(use, late*h.per.Seconds()/float64(h.limit)/60)
		refused = max(refused, no/(accepted+no))
	}
	return use, refused
}

// TestWhoAsksForAWholeWindowWithEachRefusalIsUsedWhole: what was left of the window before the refusal may add up with it to a length
// that people choose as well. Fastify's backoff asks so.
//
// https://github.com/fastify/fastify-rate-limit
func TestWhoAsksForAWholeWindowWithEachRefusalIsUsedWhole(t *testing.T) {
	for _, renews := range []bool{true, false} {
		for _, h := range []teller{
			{limit: 20, per: 2 * time.Second}, {limit: 50, per: 5 * time.Second}, {limit: 60, per: 10 * time.Second},
			{limit: 100, per: 10 * time.Second}, {limit: 150, per: 15 * time.Second}, {limit: 300, per: time.Minute},
		} {
			h.renews = renews
			if use, refused := driveStarting(t, h); use < 0.97 || refused > 0.005 {
				t.Errorf("%d per %s, asks for all of it: %t: use %.3f, %.2f %% refused", h.limit, h.per, renews, use, 100*refused)
			}
		}
	}
}

// TestSecondsThatAreCutOffDoNotMakeAWindowShorter: "0" is told for half of a window of two seconds. What is refused again right after
// that waits longer each time, until the window is known to be longer; and what others would have to have used is no level.
func TestSecondsThatAreCutOffDoNotMakeAWindowShorter(t *testing.T) {
	for _, h := range []teller{
		{limit: 20, per: 2 * time.Second}, {limit: 20, per: 2 * time.Second, clock: true},
		{limit: 50, per: 5 * time.Second, clock: true}, {limit: 150, per: 15 * time.Second, clock: true},
	} {
		h.rounded = true
		if use, refused := driveStarting(t, h); use < 0.85 || refused > 0.05 {
			t.Errorf("%d per %s, by the clock: %t: use %.3f, %.2f %% refused", h.limit, h.per, h.clock, use, 100*refused)
		}
	}
}

// TestWhatOthersLeaveOfOneWindowIsNoPaceOfTheOther: without the others, the slower of two windows is what is told.
func TestWhatOthersLeaveOfOneWindowIsNoPaceOfTheOther(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	add := func(limit int64, foreign int64) *window {
		w := newWindow("X-RateLimit-*", 0)
		w.setLimit(limit, 1)
		w.setLength(10 * time.Second)
		w.basis, w.ledger.foreign, w.ledger.until = lengthConfirmed, foreign, 5*time.Second
		b.windows = append(b.windows, w)
		return w
	}
	taken := add(100, 95)
	add(20, 0)
	if !taken.shared(time.Second) || b.surelyTold(time.Second, false) > 1 {
		t.Fatalf("told %v while others take 95 of 100", b.surelyTold(time.Second, false))
	}
	if p := b.surelyTold(time.Second, true); p < 1.9 || p > 2.1 {
		t.Errorf("told without the others %v a second, want the other window's 2", p)
	}
}
