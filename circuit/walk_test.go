package circuit

import (
	"math/rand/v2"
	"testing"
	"time"
)

// outcome is a call that counted, for the oracle.
type outcome struct {
	turn   int64
	failed bool
}

// TestRandomWalkKeepsItsPromises drives breakers through seeded random calls, losses, reports out of order and
// restarts, beside a naive account of the same events.
func TestRandomWalkKeepsItsPromises(t *testing.T) {
	for seed := range uint64(60) {
		walk(t, seed)
	}
}

func walk(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 11))
	cfg := Config{MinRequests: 1 + random.IntN(20), Probes: 1 + random.IntN(4), FailureRatio: 0.2 + 0.8*random.Float64()}
	b := New(cfg)
	cfg = b.cfg
	now := start
	var out []Permit
	var counted []outcome // since the breaker closed
	born := map[uint32]uint64{}
	generation := uint64(0) // of the oracle: changes of state so far
	ill := 0.0
	row, lastFailure := 0, start // failures in a row, since the breaker closed
	for turn := range 3000 {
		if turn%200 == 0 {
			ill = random.Float64()
		}
		now = now.Add(time.Duration(random.ExpFloat64() * float64(time.Second)))
		switch random.IntN(20) {
		case 0:
			now = now.Add(time.Duration(random.Int64N(int64(2 * time.Minute))))
		case 1:
			if len(out) > 0 { // lost
				out = out[1:]
			}
		}
		ready, was := b.ReadyAt(now, Part{}), b.State()
		p, ok := b.Acquire(now, Part{})
		if ok == ready.After(now) {
			t.Fatalf("seed %d turn %d: ready at %v, but Acquire says %v", seed, turn, ready, ok)
		}
		if was == Open && ok {
			generation++
		}
		if ok {
			born[p.whole.number] = generation
			out = append(out, p)
		}
		if share := b.Share(now, Part{}); share < 1 && !b.Ramping(now) {
			t.Fatalf("seed %d turn %d: a share of %v, and yet it is not coming back", seed, turn, share)
		}
		if probes := b.View(now).Probes; probes > cfg.Probes {
			t.Fatalf("seed %d turn %d: %d probes out", seed, turn, probes)
		}
		for len(out) > 0 && random.IntN(2) == 0 {
			i := random.IntN(len(out))
			p := out[i]
			out = append(out[:i], out[i+1:]...)
			r := Success
			if random.Float64() < ill {
				r = Failure
			} else if random.IntN(10) == 0 {
				r = Neutral
			}
			state := b.State()
			got := stepOf(b.Report(now, p, r))
			if born[p.whole.number] != generation && got != (step{}) {
				t.Fatalf("seed %d turn %d: a report of an earlier generation did %v", seed, turn, got)
			}
			if state == Closed && born[p.whole.number] == generation && r != Neutral {
				counted = append(counted, outcome{turnOf(now, cfg.Window), r == Failure})
				if r == Success || p.began.Sub(lastFailure) > rowGap {
					row = 0
				}
				if r == Failure {
					row++
					lastFailure = now
				}
				if want := r == Failure && (row >= cfg.MinRequests || majority(counted, now, cfg)); (got == step{Closed, Open}) != want {
					t.Fatalf("seed %d turn %d: %v, but a majority failed: %v", seed, turn, got, want)
				}
			}
			if got == (step{}) {
				continue
			}
			generation++
			counted, row = nil, 0
			if got.From != state || got.To != b.State() {
				t.Fatalf("seed %d turn %d: %v reported between %v and %v", seed, turn, got, state, b.State())
			}
			if got.To == Open {
				if d := b.View(now).OpenUntil.Sub(now); d < cfg.CoolDown || d > cfg.CoolDownMax {
					t.Fatalf("seed %d turn %d: cool-down %v", seed, turn, d)
				}
			}
		}
	}
}

// majority is the definition of a breaker that must open, counted from the list of all calls.
func majority(counted []outcome, now time.Time, cfg Config) bool {
	calls, failures := 0, 0
	for _, o := range counted {
		if o.turn > turnOf(now, cfg.Window)-buckets {
			calls++
			if o.failed {
				failures++
			}
		}
	}
	return calls >= cfg.MinRequests && float64(failures) >= cfg.FailureRatio*float64(calls)
}

func BenchmarkCall(b *testing.B) {
	br := New(Config{})
	now := start
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		if !br.ReadyAt(now, Part{}).After(now) {
			p, _ := br.Acquire(now, Part{})
			br.Report(now, p, Success)
		}
	}
}
