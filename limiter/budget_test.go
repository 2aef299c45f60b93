package limiter

import (
	"math"
	"testing"
	"time"
)

// answer makes a call at now that is answered at once.
func answer(b *Budget, now time.Time, status int, h *Hint) {
	b.Start(now)
	b.Observe(now, Observation{Sent: now, Received: now, Status: status, Hint: h})
}

func after(d time.Duration) *Hint { return &Hint{HasRetryAfter: true, RetryAfter: d} }

func left(limit, remaining int64, reset time.Time) *Hint {
	return &Hint{N: 1, Windows: [MaxWindows]Window{{
		Limit: limit, Remaining: remaining, HasReset: true, Reset: Interval{reset, reset}, Source: "X-RateLimit-*",
	}}}
}

func TestOverloadNeverLowersTheLearnedPace(t *testing.T) {
	b := New(Config{Start: 50}, epoch)
	answer(b, epoch, 503, after(time.Second))
	answer(b, epoch.Add(time.Second), 200, nil)
	if v := b.View(epoch.Add(time.Second)); v.Rate != 50 || v.From != "start" {
		t.Errorf("%v/s from %s, want the start's", v.Rate, v.From)
	}
}

// saturate sends as fast as b allows, each call answered 5 ms later by answer, and returns how many were sent.
func saturate(b *Budget, from time.Time, span time.Duration, answer func(sent time.Time) Observation) int {
	now, n := from, 0
	for now.Before(from.Add(span)) {
		at, why := b.ReadyAt(now)
		if why != Ready {
			now = at
			continue
		}
		b.Start(now)
		n++
		o := answer(now)
		o.Sent = now
		now = now.Add(5 * time.Millisecond)
		b.Observe(now, o)
	}
	return n
}

func ok(time.Time) Observation { return Observation{Status: 200} }

func TestUntoldLaneDoublesEachSecondUpToTheCeiling(t *testing.T) {
	b := New(Config{Start: 10, Ceiling: 70}, epoch)
	now := epoch
	for second, want := range []int{10, 20, 40, 70, 70} {
		n := saturate(b, now, time.Second, ok)
		if n < want-2 || n > want+2 {
			t.Errorf("second %d: %d calls, want %d", second, n, want)
		}
		now = now.Add(time.Second)
	}
}

func TestUnusedOrTroubledRateDoesNotGrow(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration
		o     Observation
	}{
		{"half used", 200 * time.Millisecond, Observation{Status: 200}},
		{"5xx", 100 * time.Millisecond, Observation{Status: 502}},
		{"time-out", 100 * time.Millisecond, Observation{Failed: true, TimedOut: true}},
	} {
		b := New(Config{Start: 10}, epoch)
		for now := epoch; now.Before(epoch.Add(10 * time.Second)); now = now.Add(c.every) {
			b.Start(now)
			o := c.o
			o.Sent = now
			b.Observe(now, o)
		}
		if v := b.View(epoch.Add(10 * time.Second)); v.Rate != 10 {
			t.Errorf("%s: %v/s, want it to stay at 10", c.name, v.Rate)
		}
	}
}

func TestTenIdleMinutesLeadBackToTheStart(t *testing.T) {
	b := New(Config{Start: 10}, epoch)
	saturate(b, epoch, 4*time.Second, ok)
	now := epoch.Add(4*time.Second + idle + time.Second)
	answer(b, now, 200, nil)
	if v := b.View(now); v.Rate != 10 {
		t.Errorf("%v/s after ten idle minutes, want the start", v.Rate)
	}
}

func TestOperatorAlwaysWins(t *testing.T) {
	generous := func(sent time.Time) Observation {
		return Observation{Status: 200, Hint: left(100_000, 99_999, sent.Add(time.Second))}
	}
	for _, c := range []struct {
		name string
		cfg  Config
		most int // calls in ten seconds
	}{
		{"ceiling", Config{Start: 10, Ceiling: 20}, 201},
		{"fixed", Config{Fixed: 5}, 51},
		{"windows", Config{Start: math.Inf(1), Windows: []Rule{{30, 10 * time.Second}}}, 31},
		{"share", Config{Start: math.Inf(1), Windows: []Rule{{100, 10 * time.Second}}, Share: 0.3}, 31},
	} {
		b := New(c.cfg, epoch)
		if n := saturate(b, epoch, 10*time.Second, generous); n > c.most || n < c.most*7/10 {
			t.Errorf("%s: %d calls in ten seconds, want at most %d and not far below", c.name, n, c.most)
		}
	}
}

func TestUnlimitedPacesNothingUntilRefused(t *testing.T) {
	b := New(Config{Start: math.Inf(1), ConcurrencyStart: 4}, epoch)
	for range 10_000 {
		if _, why := b.ReadyAt(epoch); why != Ready {
			t.Fatalf("held by %v", why)
		}
		answer(b, epoch, 200, nil)
	}
	for range 4 {
		b.Start(epoch)
	}
	if at, why := b.ReadyAt(epoch); why != Concurrency || at != Never {
		t.Errorf("%v at %v with four in flight, want Concurrency, Never", why, at)
	}
	now := epoch.Add(time.Second)
	b.Observe(now, Observation{Sent: epoch.Add(time.Millisecond), Status: 429})
	if v := b.View(now); v.PausedUntil.IsZero() {
		t.Error("a refusal did not hold the lane")
	}
}

func TestLimitOfCallsAtOnceThatIsSaidLowersConcurrencyNotThePace(t *testing.T) {
	b := New(Config{Start: math.Inf(1), ConcurrencyStart: 16}, epoch)
	for range 10 {
		b.Start(epoch)
	}
	now := epoch.Add(time.Millisecond)
	b.Observe(now, Observation{Sent: epoch, Status: 429, Hint: &Hint{Concurrency: true}})
	if v := b.View(now); v.Concurrency != 9 || v.From != "refusals" {
		t.Errorf("%d calls at once, pace %s; want 9, refusals", v.Concurrency, v.From)
	}
}

func TestOthersUseHoldsTheLaneUntilTheReset(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	reset := epoch.Add(8 * time.Second)
	answer(b, epoch, 200, left(100, 0, reset)) // 99 calls of others
	if at, why := b.ReadyAt(epoch); why != Limit || at.Sub(reset).Abs() > time.Microsecond {
		t.Errorf("ready at %v (%v), want at the reset %v", at, why, reset)
	}
}

func TestHeadersAloneHoldALaneTenMinutesAtMost(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	answer(b, epoch, 200, left(100, 0, epoch.Add(24*time.Hour)))
	if at, _ := b.ReadyAt(epoch); at.Sub(epoch) > maxHold+time.Microsecond {
		t.Errorf("held for %v", at.Sub(epoch))
	}
}

func TestChangedLimitIsFollowedAtOnce(t *testing.T) {
	b := New(Config{Start: 50}, epoch)
	told := func(limit int64) *Hint {
		h := left(limit, limit-1, epoch.Add(10*time.Second))
		h.Windows[0].Length = 10 * time.Second
		return h
	}
	for _, limit := range []int64{100, 40, 250} {
		answer(b, epoch, 200, told(limit))
		if got, want := b.View(epoch).Rate, steady*float64(limit)/10; math.Abs(got-want) > 1e-9 {
			t.Errorf("limit %d in 10 s: %v/s, want %v", limit, got, want)
		}
	}
}

func TestReconfigureKeepsWhatWasLearned(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	answer(b, epoch, 200, left(100, 99, epoch.Add(10*time.Second)))
	cfg := DefaultConfig()
	cfg.Ceiling, cfg.Windows = 5, []Rule{{1000, time.Minute}}
	b.Reconfigure(cfg, epoch)
	v := b.View(epoch)
	if v.Rate > 5 || len(v.Windows) != 2 || !v.Windows[0].Configured || v.Windows[1].Source != "X-RateLimit-*" {
		t.Errorf("%+v", v)
	}
}

func TestTimeThatGoesBackGivesNothing(t *testing.T) {
	b := New(Config{Start: 10}, epoch)
	n := 0
	for i := range 1000 {
		now := epoch.Add(time.Duration(i%2) * -time.Hour)
		if _, why := b.ReadyAt(now); why == Ready {
			answer(b, now, 200, nil)
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d calls while time stood still, want 1", n)
	}
}

func TestARateToldInSoManyWordsIsKeptUnder(t *testing.T) {
	now := epoch
	b := New(Config{}, now)
	calls := 0
	for end := epoch.Add(20 * time.Minute); now.Before(end); {
		at, why := b.ReadyAt(now)
		if why != Ready {
			now = at
			continue
		}
		b.Start(now)
		calls++
		sent := now
		now = now.Add(50 * time.Millisecond)
		b.Observe(now, Observation{Sent: sent, Received: now, Status: 200, Hint: &Hint{Rate: 0.0167}}) // x-amzn-RateLimit-Limit
	}
	if calls < 18 || calls > 22 {
		t.Errorf("%d calls in 20 minutes at one a minute", calls)
	}
}
