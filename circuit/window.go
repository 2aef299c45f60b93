package circuit

import "time"

// buckets is how finely the window rolls: a call counts for the window's length, less at most a twelfth.
const buckets = 12

// window counts the calls of the recent past in a ring of buckets.
type window struct {
	ring [buckets]bucket
}

type bucket struct {
	turn            int64 // since the epoch, which bucket of time this is
	calls, failures int
}

func (w *window) add(now time.Time, length time.Duration, failed bool) {
	turn := turnOf(now, length)
	b := &w.ring[int(uint64(turn)%buckets)] //nolint:gosec // only the slot
	if b.turn != turn {
		*b = bucket{turn: turn}
	}
	b.calls++
	if failed {
		b.failures++
	}
}

func (w *window) sum(now time.Time, length time.Duration) (calls, failures int) {
	turn := turnOf(now, length)
	for i := range w.ring {
		if b := &w.ring[i]; b.turn > turn-buckets && b.turn <= turn {
			calls += b.calls
			failures += b.failures
		}
	}
	return calls, failures
}

func turnOf(now time.Time, length time.Duration) int64 {
	return now.UnixNano() / max(1, int64(length)/buckets)
}
