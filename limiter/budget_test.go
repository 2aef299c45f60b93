package limiter

import (
	"encoding/json"
	"math"
	"testing"
	"time"
	"unsafe"
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

func TestWhatPausesALane(t *testing.T) {
	reset := epoch.Add(10 * time.Second)
	for _, c := range []struct {
		name   string
		status int
		hint   *Hint
		until  time.Duration // 0: no pause
	}{
		{"429 with Retry-After", 429, after(7 * time.Second), 7 * time.Second},
		{"503 with Retry-After", 503, after(7 * time.Second), 7 * time.Second},
		{"529 with Retry-After", 529, after(7 * time.Second), 7 * time.Second},
		{"403 with Retry-After", 403, after(7 * time.Second), 7 * time.Second},
		{"longer than the longest pause", 429, after(100 * time.Hour), DefaultMaxPause},
		{"of no time at all", 429, after(0), minPause},
		{"200 with Retry-After", 200, after(7 * time.Second), 0},
		{"404 with Retry-After", 404, after(7 * time.Second), 0},
		{"500 with Retry-After", 500, after(7 * time.Second), 0},
		{"503 without", 503, nil, 0},
		{"403 without", 403, nil, 0},
		{"403 with something left", 403, left(10, 1, reset), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := New(DefaultConfig(), epoch)
			answer(b, epoch, c.status, c.hint)
			at, why := b.ReadyAt(epoch)
			if (why == Pause) != (c.until > 0) || c.until > 0 && at.Sub(epoch) != c.until {
				t.Errorf("ready in %v (%v), want a pause of %v", at.Sub(epoch), why, c.until)
			}
		})
	}
}

func TestRetryAfterNeverShortensPause(t *testing.T) {
	b := New(Config{Start: math.Inf(1)}, epoch)
	b.Start(epoch)
	b.Start(epoch)
	b.Observe(epoch, Observation{Sent: epoch, Status: 429, Hint: after(30 * time.Second)})
	b.Observe(epoch, Observation{Sent: epoch, Status: 429, Hint: after(time.Second)})
	if at, why := b.ReadyAt(epoch); why != Pause || at.Sub(epoch) != 30*time.Second {
		t.Errorf("ready in %v (%v), want the longer pause", at.Sub(epoch), why)
	}
}

func TestOneProbeThenThePaceNoBurst(t *testing.T) {
	b := New(Config{Start: 100}, epoch)
	answer(b, epoch, 429, after(time.Second))
	now := epoch.Add(time.Second)
	if _, why := b.ReadyAt(now); why != Ready {
		t.Fatalf("%v after the pause, want the probe to be ready", why)
	}
	b.Start(now)
	if at, why := b.ReadyAt(now.Add(time.Hour)); why != Pause || at != Never {
		t.Errorf("%v at %v with the probe in flight, want Never", why, at)
	}
	now = now.Add(2 * time.Hour)
	b.Observe(now, Observation{Sent: now.Add(-time.Hour), Status: 200})
	if at, why := b.ReadyAt(now); why != Limit || at.Equal(Never) {
		t.Errorf("%v at %v after the probe, want the pace", why, at)
	}
}

func TestProbeThatGetsNoAnswerGivesWayToAnother(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	answer(b, epoch, 429, after(time.Second))
	now := epoch.Add(time.Second)
	b.Start(now)
	b.Observe(now.Add(time.Second), Observation{Sent: now, Failed: true, TimedOut: true})
	if _, why := b.ReadyAt(now.Add(time.Second)); why != Ready {
		t.Errorf("%v, want another probe", why)
	}
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

func TestRevisionTellsWhatIsWorthSaving(t *testing.T) {
	b := New(Config{Start: math.Inf(1)}, epoch)
	before := b.Revision()
	answer(b, epoch, 200, nil)
	if b.Revision() != before {
		t.Error("an unlimited lane that learned nothing wants to be saved")
	}
	answer(b, epoch, 429, after(time.Minute))
	if b.Revision() == before {
		t.Error("a pause is not worth saving")
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

func TestGuessLength(t *testing.T) {
	for _, c := range []struct{ reset, want time.Duration }{
		{0, time.Second},
		{950 * time.Millisecond, time.Second},
		{1100 * time.Millisecond, time.Second},
		{1200 * time.Millisecond, 2 * time.Second},
		{3 * time.Second, 5 * time.Second},
		{10500 * time.Millisecond, 10 * time.Second},
		{59 * time.Second, time.Minute},
		{14 * time.Minute, 15 * time.Minute},
		{20 * time.Hour, 24 * time.Hour},
		{365 * 24 * time.Hour, maxWindow},
	} {
		if got := guessLength(c.reset); got != c.want {
			t.Errorf("guessLength(%v) = %v, want %v", c.reset, got, c.want)
		}
	}
}

func TestSnapshotSurvivesJSON(t *testing.T) {
	now := epoch
	b := New(DefaultConfig(), now)
	saturate(b, now, 5*time.Second, func(sent time.Time) Observation {
		return Observation{Status: 200, Hint: left(100, 50, sent.Add(5*time.Second))}
	})
	now = now.Add(6 * time.Second)
	answer(b, now, 429, after(time.Minute))
	data, err := json.Marshal(b.Snapshot(now))
	if err != nil {
		t.Fatal(err)
	}
	var s Snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	restored := New(DefaultConfig(), now)
	restored.Restore(s, now)
	if at, why := restored.ReadyAt(now); why != Pause || at.Sub(now) != time.Minute {
		t.Errorf("ready in %v (%v), want the pause to survive", at.Sub(now), why)
	}
	was, is := b.View(now), restored.View(now)
	if len(is.Windows) != 1 || is.Windows[0].Limit != was.Windows[0].Limit || is.Windows[0].Per != was.Windows[0].Per ||
		is.Concurrency != was.Concurrency {
		t.Errorf("restored %+v, want %+v", is, was)
	}
}

func TestSnapshotOfAnUnlimitedLaneIsJSON(t *testing.T) {
	if _, err := json.Marshal(New(Config{Start: math.Inf(1)}, epoch).Snapshot(epoch)); err != nil {
		t.Error(err)
	}
}

func TestRestoreIgnoresOtherVersions(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	b.Restore(Snapshot{Version: SnapshotVersion + 1, Pause: epoch.Add(time.Hour).UnixMilli()}, epoch)
	if _, why := b.ReadyAt(epoch); why != Ready {
		t.Errorf("held by %v", why)
	}
}

func TestRestartNeitherBurstsNorStallsAWindowOfADay(t *testing.T) {
	cfg := Config{Start: math.Inf(1), Windows: []Rule{{86_400, 24 * time.Hour}}}
	b := New(cfg, epoch)
	saturate(b, epoch, 10*time.Second, ok)
	now := epoch.Add(10 * time.Second)
	restored := New(cfg, now)
	restored.Restore(b.Snapshot(now), now)
	if at, _ := restored.ReadyAt(now); at.Sub(now) > 2*time.Second {
		t.Errorf("the first call waits %v", at.Sub(now))
	}
	if n := saturate(restored, now, 10*time.Second, ok); n > 11 || n < 8 {
		t.Errorf("%d calls in ten seconds at 1/s", n)
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

func TestIdleLaneIsSmall(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	size := unsafe.Sizeof(*b)
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
