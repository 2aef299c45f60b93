package limiter

import "time"

// rtt follows the round trip of a lane's calls, for one question: how long before a response was received did its
// call arrive at the latest?
type rtt struct {
	least  time.Duration // the shortest seen
	excess time.Duration // moving mean of what the others took more
	n      int           // samples, as far as they matter
}

// rttSamples is how many round trips it takes to trust the shortest.
const rttSamples = 16

func (r *rtt) add(d time.Duration) {
	if d < 0 {
		return
	}
	if r.n == 0 || d < r.least {
		if r.n > 0 {
			r.excess += r.least - d
		}
		r.least = d
	}
	r.n = min(r.n+1, rttSamples)
	r.excess += (d - r.least - r.excess) / time.Duration(r.n)
}

// typical is a usual round trip; 0 before the first.
func (r *rtt) typical() time.Duration { return r.least + r.excess }

// sure is a time that both ways together certainly take: the shortest round trip seen, less a margin for the true
// minimum, which nobody has seen yet.
func (r *rtt) sure() time.Duration {
	if r.n < rttSamples {
		return 0
	}
	return max(0, r.least-r.excess)
}
