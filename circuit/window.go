package circuit

import "time"

// buckets is how finely the window rolls: a call counts for the window's length, less at most a twelfth.
const buckets = 12

// window counts the calls of the recent past in a ring of buckets.
type window struct {
	ring [buckets]bucket
}

type bucket struct {
	turn   int64 // since the epoch, which bucket of time this is
	counts counts
}

// counts are calls that ended.
type counts struct {
	calls, failures int32
	unreachable     int32 // of the failures
}

func (c *counts) add(o counts) {
	c.calls += o.calls
	c.failures += o.failures
	c.unreachable += o.unreachable
}

func (w *window) add(now time.Time, length time.Duration, r Result) {
	turn := turnOf(now, length)
	b := &w.ring[int(uint64(turn)%buckets)] //nolint:gosec // only the slot
	if b.turn != turn {
		*b = bucket{turn: turn}
	}
	b.counts.calls++
	if r != Success {
		b.counts.failures++
	}
	if r == Unreachable {
		b.counts.unreachable++
	}
}

func (w *window) sum(now time.Time, length time.Duration) (c counts) {
	turn := turnOf(now, length)
	for i := range w.ring {
		if b := &w.ring[i]; b.turn > turn-buckets && b.turn <= turn {
			c.add(b.counts)
		}
	}
	return c
}

// less takes the calls of a part out, which are in it.
func (w *window) less(part *window) {
	for i := range w.ring {
		b, p := &w.ring[i], &part.ring[i]
		if b.turn == p.turn {
			b.counts.calls = max(0, b.counts.calls-p.counts.calls)
			b.counts.failures = max(0, b.counts.failures-p.counts.failures)
			b.counts.unreachable = max(0, b.counts.unreachable-p.counts.unreachable)
		}
	}
}

func turnOf(now time.Time, length time.Duration) int64 {
	return now.UnixNano() / max(1, int64(length)/buckets)
}
