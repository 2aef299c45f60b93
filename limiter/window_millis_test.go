package limiter

import (
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// The reset of a bucket goes up and down with what is used, and never falls by a thousand a second; that of a sliding window does no more
// once it is in use.
func TestMillisecondsAreFoundByWhatComesBack(t *testing.T) {
	for _, c := range []struct {
		algorithm destination.Algorithm
		limit     int
		per       time.Duration
		use       float64
		refused   int
	}{
		{destination.Bucket, 5, 10 * time.Second, 0.97, 0},
		{destination.Bucket, 20, time.Second, 0.78, 0}, // eight calls go at the pace of seconds
		{destination.GCRA, 100, 10 * time.Second, 0.9, 0},
		{destination.GCRA, 60, 30 * time.Second, 0.97, 0},
		{destination.Bucket, 300, time.Minute, 0.97, 1},
		{destination.Leaky, 5, 10 * time.Second, 0.97, 0},
		{destination.Leaky, 300, time.Minute, 0.9, 8},
		{destination.SlidingLog, 20, time.Second, 0.97, 0},
		{destination.SlidingLog, 100, 10 * time.Second, 0.97, 0},
		{destination.SlidingCounter, 5, 10 * time.Second, 0.65, 3},
		{destination.Fixed, 5, 10 * time.Second, 0.97, 0},
		{destination.FixedFirst, 5, 10 * time.Second, 0.97, 0},
	} {
		for _, rtt := range []time.Duration{time.Millisecond, 80 * time.Millisecond} {
			for phase := range 3 {
				s := study{
					cfg: DefaultConfig(), spec: destination.Spec{Algorithm: c.algorithm, Limit: c.limit, Per: c.per}, dialect: destination.XRateLimitMs,
					rtt: rtt, noise: 2 * time.Millisecond, after: time.Duration(phase) * c.per * 10 / 43, within: 2 * time.Minute,
				}
				if f := s.run(t); f.use(s.spec) < c.use || f.refused > c.refused {
					t.Errorf("%s of %d per %s, %s away: use %.3f, %d refused; want %.2f, %d",
						c.algorithm, c.limit, c.per, rtt, f.use(s.spec), f.refused, c.use, c.refused)
				}
			}
		}
	}
}

// What a bucket tells at a steady pace hardly moves, and looks like seconds for seconds on end.
func TestMillisecondsThatWereSeenAreNotTakenForSecondsAtASteadyPace(t *testing.T) {
	for phase := range 6 {
		for _, c := range []destination.Spec{
			{Algorithm: destination.GCRA, Limit: 60, Per: 30 * time.Second}, {Algorithm: destination.Bucket, Limit: 300, Per: time.Minute},
		} {
			s := study{
				cfg: DefaultConfig(), spec: c, dialect: destination.XRateLimitMs, rtt: 20 * time.Millisecond, noise: 2 * time.Millisecond,
				after: time.Duration(phase) * 1970 * time.Millisecond, within: 20 * time.Minute,
			}
			if f := s.run(t); f.use(c) < 0.97 || f.refused > 1 {
				t.Errorf("%s of %d per %s, phase %d: use %.3f, %d refused", c.Algorithm, c.Limit, c.Per, phase, f.use(c), f.refused)
			}
		}
	}
}

func TestMillisecondsThatWereSeenByChanceAreFoundToBeSeconds(t *testing.T) {
	m := ResetMemory{Form: DeltaMillis, Raw: 3600, Low: 3600, Limit: 100, At: noon.UnixMilli()}
	for second := range 60 {
		at := noon.Add(time.Duration(second) * time.Second)
		m.learn(&Window{Limit: 100, ResetRaw: float64(3600 - second)}, at.Add(-20*time.Millisecond), at)
		if m.Form == DeltaSeconds {
			if second > 30 {
				t.Errorf("after %d s", second)
			}
			return
		}
	}
	t.Errorf("after a minute: %+v", m)
}

// What speaks for milliseconds is saved before it is enough: a restart held the lane for the hours that seconds would be.
func TestARestartKeepsWhatSpeaksForMilliseconds(t *testing.T) {
	for _, c := range []struct {
		algorithm destination.Algorithm
		limit     int
		per       time.Duration
		use       float64
	}{
		{destination.Bucket, 5, 10 * time.Second, 0.95},
		{destination.GCRA, 60, 30 * time.Second, 0.95},
		{destination.Bucket, 300, time.Minute, 0.95},
		{destination.Leaky, 300, time.Minute, 0.9},
		{destination.SlidingCounter, 5, 10 * time.Second, 0.7},
	} {
		for phase := range 4 {
			s := study{
				cfg: DefaultConfig(), spec: destination.Spec{Algorithm: c.algorithm, Limit: c.limit, Per: c.per}, dialect: destination.XRateLimitMs,
				rtt: 20 * time.Millisecond, noise: 2 * time.Millisecond, after: time.Duration(phase) * c.per * 10 / 43, within: 10 * time.Minute,
				crashes: []time.Duration{time.Duration(15+17*phase) * time.Second, 90 * time.Second},
			}
			if f := s.run(t); f.use(s.spec) < c.use || f.refused > 8 {
				t.Errorf("%s of %d per %s, phase %d: use %.3f, %d refused; want %.2f", c.algorithm, c.limit, c.per, phase, f.use(s.spec), f.refused, c.use)
			}
		}
	}
}

// inSeconds tells a reset in whole seconds, rounded up, of limits that calls meet by turns, as where a lane has several credentials.
type inSeconds struct {
	limits []*destination.Limiter
	calls  int
}

func (h *inSeconds) judge(now time.Time) (bool, []destination.Header) {
	v := h.limits[h.calls%len(h.limits)].Allow(now)
	h.calls++
	return v.OK, []destination.Header{
		{Name: "X-RateLimit-Limit", Value: strconv.Itoa(v.Limit)},
		{Name: "X-RateLimit-Remaining", Value: strconv.Itoa(v.Remaining)},
		{Name: "X-RateLimit-Reset", Value: strconv.FormatInt(int64((v.ResetAfter+time.Second-1)/time.Second), 10)},
	}
}

func newInSeconds(tb testing.TB, n int, spec destination.Spec) *inSeconds {
	tb.Helper()
	h := &inSeconds{}
	for range n {
		l, err := destination.New(spec)
		if err != nil {
			tb.Fatal(err)
		}
		h.limits = append(h.limits, l)
	}
	return h
}

func TestSecondsCostNoCallForMilliseconds(t *testing.T) {
	for _, algorithm := range []destination.Algorithm{destination.Bucket, destination.SlidingLog, destination.Fixed, destination.FixedFirst} {
		for _, limit := range []struct {
			n   int
			per time.Duration
		}{{5, time.Hour}, {20, time.Hour}, {20, time.Minute}, {100, time.Minute}, {50, 15 * time.Minute}, {500, 24 * time.Hour}} {
			for _, credentials := range []int{1, 5} {
				for phase := range 6 {
					s := study{
						cfg: DefaultConfig(), host: newInSeconds(t, credentials, destination.Spec{Algorithm: algorithm, Limit: limit.n, Per: limit.per}),
						rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond, within: 3 * time.Minute,
						after: time.Duration(phase)*limit.per*10/123 + 300*time.Millisecond, judged: func(time.Duration, bool, float64) {},
					}
					f := s.run(t)
					if u := f.budget.windows[0].resetUnit; u != nil && u.on || f.refused > 0 {
						t.Errorf("%s of %d per %s, %d credentials, phase %d: %d refused; %+v", algorithm, limit.n, limit.per, credentials, phase, f.refused, u)
					}
				}
			}
		}
	}
}

// A lane that took seconds for milliseconds, for whatever reason, sees by refusals that it was wrong.
func TestMillisecondsThatAreSecondsAreFoundOut(t *testing.T) {
	host := newInSeconds(t, 1, destination.Spec{Algorithm: destination.FixedFirst, Limit: 40, Per: time.Hour})
	now := epoch
	b := New(DefaultConfig(), now)
	b.Restore(Snapshot{Version: SnapshotVersion, At: now.UnixMilli(), Windows: []SavedWindow{{
		Source: "X-RateLimit-*", Limit: 40, PerMs: 5000, Left: Unknown, Millis: true, Told: now.UnixMilli(),
	}}}, now)
	var read reading
	refused := 0
	for now.Before(epoch.Add(50 * time.Minute)) {
		at, _ := b.ReadyAt(now)
		if now = at; now.Equal(Never) {
			t.Fatal("no call is in flight, and none may begin")
		}
		b.Start(now)
		ok, fields := host.judge(now)
		status := 200
		if !ok {
			status = 429
			refused++
		}
		b.Observe(now, Observation{Sent: now, Received: now, Status: status, Hint: read.fields(fields, &event{sent: now, at: now}, status)})
	}
	if u := b.windows[0].resetUnit; u.on || refused > 6 {
		t.Errorf("after %d refusals: %+v, want seconds", refused, u)
	}
}

func TestAResetWhoseNameSaysSecondsIsSeconds(t *testing.T) {
	for _, name := range []string{"X-RateLimit-Reset-Seconds", "X-RateLimit-Reset-Sec"} {
		var r Reader
		var h Hint
		r.Reset(200, noon, noon)
		for _, f := range fields("X-RateLimit-Limit", "5", "X-RateLimit-Remaining", "4", name, "2000") {
			r.Field(f.name, f.value)
		}
		r.Hint(&h)
		new(Dialect).Resolve(&h, noon, noon)
		if w := h.Windows[0]; w.Unsure || !w.unitTold || w.ResetAt.Sub(noon) != 2000*time.Second {
			t.Errorf("%s: %+v, want 2000 s for sure", name, w)
		}
	}
}

// A Retry-After of 8000 beside a reset of 8000 is as long as that.
func TestARetryAfterOfTheSameNumberAsAResetInMillisecondsIsAsLong(t *testing.T) {
	refusal := func(reset, retry string, more ...string) Hint {
		var r Reader
		var h Hint
		r.Reset(429, noon, noon)
		for _, f := range fields(append(more, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "Retry-After", retry, reset, "8000")...) {
			r.Field(f.name, f.value)
		}
		r.Hint(&h)
		return h
	}
	learned := Dialect{Resets: [maxResets]ResetMemory{{Source: "X-RateLimit-*", Form: DeltaMillis, Raw: 9000, Low: 9000, Limit: 100, At: noon.UnixMilli() - 1000}}}
	for _, c := range []struct {
		d            Dialect
		reset, retry string
		want         time.Duration
	}{
		{learned, "X-RateLimit-Reset", "8001", 8001 * time.Millisecond},
		{Dialect{}, "X-RateLimit-Reset-Ms", "8000", 8 * time.Second},
		{Dialect{}, "X-RateLimit-Reset", "8000", 8000 * time.Second}, // nothing says that it is milliseconds
		{learned, "X-RateLimit-Reset", "8", 8 * time.Second},
		{learned, "X-RateLimit-Reset", "3600", time.Hour}, // another limit's
	} {
		h := refusal(c.reset, c.retry)
		if c.d.Resolve(&h, noon, noon); h.RetryAfter != c.want {
			t.Errorf("%s 8000, Retry-After %s: wait %v, want %v", c.reset, c.retry, h.RetryAfter, c.want)
		}
	}
	b := New(DefaultConfig(), noon)
	b.Restore(Snapshot{Version: SnapshotVersion, At: noon.UnixMilli(), Windows: []SavedWindow{{
		Source: "X-RateLimit-*", Limit: 100, PerMs: 10_000, Left: Unknown, Millis: true, Told: noon.UnixMilli(),
	}}}, noon)
	h := refusal("X-RateLimit-Reset", "8000")
	b.Start(noon)
	b.Observe(noon, Observation{Sent: noon, Received: noon, Status: 429, Hint: &h})
	if at, why := b.ReadyAt(noon); why != Pause || at.Sub(noon) > 9*time.Second {
		t.Errorf("a lane that knows of the milliseconds waits %v (%v), want 8 s", at.Sub(noon), why)
	}
}
