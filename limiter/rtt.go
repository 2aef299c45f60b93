package limiter

import "time"

// rtt follows the round trip of a lane's calls, for two questions: how long before a response was received did its call
// arrive at the latest, and does the destination get slow?
type rtt struct {
	least  time.Duration // the shortest seen
	excess time.Duration // moving mean of what the others took more
	slow   time.Duration // moving mean, a second at a time, of what was usual; 0: no second has ended
	n      int32         // samples, as far as they matter
	long   float32       // moving mean of excess over many more, in ns
}

// longTrips: what a response says of calls that ended so many usual round trips before it was read is not worth keeping.
const longTrips = 10

const (
	// rttSamples is how many round trips it takes to trust the shortest.
	rttSamples = 16
	// longSamples is how many round trips it takes to know to a few percent by how much they vary.
	longSamples = 128
	// slowSeconds is how many seconds what was usual is the mean of.
	slowSeconds = 32
	// leastSlower is what a round trip must take longer, at least, for a destination to be slow: less is the noise of
	// timers and schedulers on the way.
	leastSlower = 5 * time.Millisecond
)

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
	if r.n < rttSamples {
		r.long = float32(r.excess)
	}
	r.long += (float32(r.excess) - r.long) / longSamples
}

// varies is by how much round trips vary: by what they take more than the shortest, lately or in the long run. A few of them
// do not tell.
func (r *rtt) varies() time.Duration {
	if r.n < rttSamples {
		return max(r.excess, leastSlower)
	}
	return max(r.excess, time.Duration(r.long))
}

// typical is a usual round trip; 0 before the first.
func (r *rtt) typical() time.Duration { return r.least + r.excess }

// usual is what few round trips take longer than; a few of them do not tell, and it is more than any distance between calls.
func (r *rtt) usual() time.Duration {
	if r.n < rttSamples {
		return maxWindow
	}
	return r.least + 2*r.excess
}

// doubled ends a second, and reports whether calls took twice as long in it as is usual, or longer.
func (r *rtt) doubled() bool {
	now := r.typical()
	if r.slow == 0 {
		r.slow = now
	}
	slower := now - r.slow
	r.slow += slower / slowSeconds
	return slower >= max(now/2, leastSlower)
}

// sure is a time that both ways together certainly take: the shortest round trip seen, less a margin for the true
// minimum, which nobody has seen yet.
func (r *rtt) sure() time.Duration {
	if r.n < rttSamples {
		return 0
	}
	return max(0, r.least-r.excess)
}
