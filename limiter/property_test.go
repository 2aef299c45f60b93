package limiter

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestNeverMoreThanTheLimitInAnyWindow counts arrivals at the destination, over any time of the window's length,
// whatever the round trip does, and over crashes at which everything but a second-old snapshot is lost.
func TestNeverMoreThanTheLimitInAnyWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 9))
	for seed := range uint64(60) {
		rule := Rule{1 + random.Int64N(40), []time.Duration{1, 2, 5, 10}[random.IntN(4)] * time.Second}
		if seed%30 == 0 {
			rule = Rule{2000, 5 * time.Second} // more than is remembered one by one
		}
		cfg := Config{Start: math.Inf(1), Windows: []Rule{rule}, ConcurrencyStart: 16 + random.IntN(64)}
		told := []headers{untold, deltaSeconds, policy}[seed%3]
		s := study{
			cfg: cfg, spec: destination.Spec{Algorithm: destination.SlidingLog, Limit: int(rule.N), Per: rule.Per},
			headers: told,
			rtt:     time.Duration(random.IntN(100)) * time.Millisecond,
			noise:   time.Duration(2+random.IntN(20)) * time.Millisecond,
			within:  20 * rule.Per, seed: seed, after: time.Duration(random.IntN(10_000)) * time.Millisecond,
		}
		for range random.IntN(4) {
			s.crashes = append(s.crashes, time.Duration(random.Int64N(int64(s.within))))
		}
		slices.Sort(s.crashes)
		f := s.run(t)
		n := int(rule.N)
		for i := n; i < len(f.arrivals); i++ {
			if span := f.arrivals[i].Sub(f.arrivals[i-n]); span < rule.Per {
				t.Fatalf("seed %d: %d arrivals in %v, %v after the start; the limit is %d in %v; crashes at %v", seed, n+1,
					span, f.arrivals[i].Sub(epoch.Add(s.after)), n, rule.Per, s.crashes)
			}
		}
		if len(s.crashes) == 0 && float64(len(f.arrivals)) < 0.85*20*float64(n) {
			t.Errorf("seed %d: only %d arrivals of %d allowed (%d in %v, round trip %v+%v)", seed, len(f.arrivals), 20*n, n,
				rule.Per, s.rtt, s.noise)
		}
	}
}

// TestStaleHeaderNeverLoosens gives one of two twins a header that was sent before the freshest one, and the other the
// same response without it: the first may never be ahead of the second.
func TestStaleHeaderNeverLoosens(t *testing.T) {
	for seed := range uint64(80) {
		random := rand.New(rand.NewPCG(seed, 3))
		now := epoch
		told, twin := New(DefaultConfig(), now), New(DefaultConfig(), now)
		limit := 5 + random.Int64N(50)
		window := func(remaining int64, length time.Duration) *Hint {
			reset := now.Add(time.Duration(1+random.IntN(10)) * time.Second)
			w := Window{Limit: limit, Remaining: remaining, HasReset: true, Reset: Interval{reset, reset}, Length: length}
			return &Hint{Windows: [MaxWindows]Window{w}, N: 1}
		}
		length := time.Duration(random.IntN(2)) * 10 * time.Second // 0: not told
		oldest := now
		for _, b := range []*Budget{told, twin} {
			b.Start(now)
			b.Start(now)
		}
		for range 3 + random.IntN(20) {
			now = now.Add(time.Duration(random.IntN(300)) * time.Millisecond)
			h := window(random.Int64N(limit+1), length)
			for _, b := range []*Budget{told, twin} {
				b.Start(now)
				b.Observe(now.Add(5*time.Millisecond), Observation{Sent: now, Status: 200, Hint: h})
			}
		}
		now = now.Add(5 * time.Millisecond)
		told.Observe(now, Observation{Sent: oldest, Status: 200, Hint: window(random.Int64N(limit+1), length)})
		twin.Observe(now, Observation{Sent: oldest, Status: 200})
		for range 50 {
			at, _ := told.ReadyAt(now)
			free, _ := twin.ReadyAt(now)
			if at.Before(free) {
				t.Fatalf("seed %d: a stale header made the lane ready %v earlier", seed, free.Sub(at))
			}
			now = now.Add(250 * time.Millisecond)
		}
	}
}

// TestNeverStuck drives budgets through random calls with whatever destinations may say. There must always be a way
// on: an instant that is not too far, or a call in flight whose end brings one.
func TestNeverStuck(t *testing.T) {
	statuses := []int{200, 200, 200, 204, 301, 403, 404, 408, 429, 429, 500, 503, 529}
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		cfg := Config{
			Start: []float64{0, 0.5, 50, math.Inf(1)}[random.IntN(4)], Share: random.Float64(),
			MaxPause: time.Minute, ConcurrencyStart: 1 + random.IntN(8),
		}
		if random.IntN(3) == 0 {
			cfg.Windows = []Rule{{1 + random.Int64N(9), time.Second}}
		}
		now := epoch
		b := New(cfg, now)
		var sent []time.Time
		for step := range 2000 {
			at, why := b.ReadyAt(now)
			view := b.View(now)
			switch {
			case !(view.Rate > 0):
				t.Fatalf("seed %d step %d: rate %v", seed, step, view.Rate)
			case view.InFlight != len(sent):
				t.Fatalf("seed %d step %d: %d in flight, want %d", seed, step, view.InFlight, len(sent))
			case at.Equal(Never) && len(sent) == 0:
				t.Fatalf("seed %d step %d: stuck for %v: %+v", seed, step, why, view)
			case at != Never && at.Sub(now) > maxWindow+time.Hour:
				t.Fatalf("seed %d step %d: waits %v for %v", seed, step, at.Sub(now), why)
			case why == Ready && at.After(now), why != Ready && !at.After(now):
				t.Fatalf("seed %d step %d: %v at %v, now %v", seed, step, why, at, now)
			}
			if why == Ready && random.IntN(8) > 0 {
				b.Start(now)
				sent = append(sent, now)
			} else if len(sent) == 0 && at != Never {
				now = later(now, at)
			}
			now = now.Add(time.Duration(random.ExpFloat64() * float64(20*time.Millisecond)))
			if len(sent) > 0 && random.IntN(2) == 0 {
				i := random.IntN(len(sent))
				o := Observation{Sent: sent[i], Status: statuses[random.IntN(len(statuses))], Hint: noise(random, now)}
				switch random.IntN(20) {
				case 0:
					o = Observation{Sent: sent[i], Failed: true, TimedOut: random.IntN(2) == 0}
				case 1:
					o = Observation{Failed: true}
				}
				sent = slices.Delete(sent, i, i+1)
				b.Observe(now, o)
			}
			if random.IntN(500) == 0 && len(sent) == 0 {
				snapshot := b.Snapshot(now)
				now = now.Add(time.Duration(random.IntN(100)) * time.Second)
				b = New(cfg, now)
				b.Restore(snapshot, now)
			}
		}
	}
}

// noise is a hint such as no sane destination gives.
func noise(random *rand.Rand, now time.Time) *Hint {
	h := &Hint{}
	if random.IntN(4) == 0 {
		h.HasRetryAfter, h.RetryAfter = true, time.Duration(random.Int64N(int64(100*time.Hour)))-time.Hour
	}
	h.Concurrency = random.IntN(20) == 0
	for h.N < random.IntN(3) {
		at := now.Add(time.Duration(random.Int64N(int64(time.Minute))) - 10*time.Second)
		h.Windows[h.N] = Window{
			Limit: random.Int64N(40) - 1, Remaining: random.Int64N(40) - 1, HasReset: random.IntN(2) == 0,
			Reset:  Interval{at, at.Add(time.Duration(random.IntN(2)) * time.Second)},
			Length: time.Duration(random.IntN(2)) * time.Duration(random.Int64N(int64(time.Minute))),
			Source: []string{"a", "b"}[random.IntN(2)],
		}
		h.N++
	}
	return h
}

// TestA429OnlyLaneComesBack refuses everything for a time, and then nothing: the lane must be at work again soon.
func TestA429OnlyLaneComesBack(t *testing.T) {
	for _, dark := range []time.Duration{time.Second, time.Minute, time.Hour} {
		now := epoch
		b := New(DefaultConfig(), now)
		asked := 0
		light := now.Add(dark)
		accepted := 0
		for now.Before(light.Add(5 * time.Minute)) {
			at, why := b.ReadyAt(now)
			if why != Ready {
				now = at
				continue
			}
			b.Start(now)
			sent := now
			now = now.Add(5 * time.Millisecond)
			status := 429
			if sent.After(light) {
				status = 200
				accepted++
			} else {
				asked++
			}
			b.Observe(now, Observation{Sent: sent, Status: status})
		}
		if accepted < 100 {
			t.Errorf("after %v of refusals, %d calls in five minutes", dark, accepted)
		}
		if most := 12 + int(dark/maxBackoff); asked > most {
			t.Errorf("%d calls refused in %v, want at most %d", asked, dark, most)
		}
	}
}
