package limiter

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

// TestPermitsAgreeWithAList compares the ring with a plain list of releases.
func TestPermitsAgreeWithAList(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		var p permits
		var releases []tick
		now, trimmed, last := tick(0), tick(0), tick(0)
		for step := range 1000 {
			now += tick(random.IntN(20))
			p.advance(now)
			switch random.IntN(4) {
			case 0, 1:
				at := max(now+tick(random.IntN(200)), last)
				p.keep(at, 1)
				releases, last = append(releases, at), at
				p.advance(now)
			case 2:
				trimmed = max(trimmed, now-tick(random.IntN(50)))
			}
			used, kept := int64(0), int64(0)
			for _, at := range releases {
				if at > now {
					used++
				}
				if at > trimmed {
					kept++
				}
			}
			if got := p.trim(trimmed); p.used != used || got != kept {
				t.Fatalf("seed %d step %d: %d used, %d kept; want %d, %d", seed, step, p.used, got, used, kept)
			}
			n := 1 + random.Int64N(used+2)
			want := never
			if n <= used {
				want = releases[int64(len(releases))-used+n-1]
			}
			if got := p.releaseOf(n); got != want {
				t.Fatalf("seed %d step %d: permit %d of %d comes back at %v, want %v", seed, step, n, used, got, want)
			}
		}
	}
}

func TestLargeLimitsTakeBoundedMemory(t *testing.T) {
	var p permits
	p.resize(1_000_000, time.Hour)
	for now := tick(0); now < 3*time.Hour; now += 10 * time.Millisecond {
		p.advance(now)
		p.trim(now)
		p.keep(now+time.Hour, 1)
	}
	if len(p.ring) > 2*maxSlots {
		t.Errorf("%d slots for 360,000 calls, want at most %d", len(p.ring), 2*maxSlots)
	}
}

// FuzzRestore feeds what a damaged store may hold: the lane must still come to send.
func FuzzRestore(f *testing.F) {
	b := New(DefaultConfig(), epoch)
	answer(b, epoch, 200, left(100, 50, epoch.Add(10*time.Second)))
	good, err := json.Marshal(b.Snapshot(epoch))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"v":1,"pause":9223372036854775807,"windows":[{"limit":-1,"per_ms":9223372036854775807}]}`))
	f.Add([]byte(`{"v":1,"windows":[{"limit":1,"per_ms":1000,` +
		`"used":[{"until":9223372036854775807,"n":9223372036854775807}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Snapshot
		if json.Unmarshal(data, &s) != nil {
			return
		}
		b := New(DefaultConfig(), epoch)
		b.Restore(s, epoch)
		now := epoch
		for range 10 {
			at, why := b.ReadyAt(now)
			if why == Ready {
				return
			}
			if at.Equal(Never) || !at.After(now) || at.Sub(epoch) > 3*maxWindow {
				t.Fatalf("ready at %v (%v)", at, why)
			}
			now = at
		}
		t.Fatalf("not ready by %v", now)
	})
}
