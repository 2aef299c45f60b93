package destination

import "time"

// bucket holds credit, counted as the time in ns it took to flow in: a call costs one interval, and the bucket is
// full at burst intervals. Counting time instead of tokens keeps it exact.
type bucket struct {
	quota    int
	per      int64
	interval int64 // ns per token
	burst    int
	credit   int64
	at       int64 // when credit was last brought up to date
}

func newBucket(spec Spec) *bucket {
	b := &bucket{quota: spec.Limit, per: int64(spec.Per), interval: spec.interval(), burst: spec.burst()}
	b.credit = b.full()
	return b
}

func (b *bucket) full() int64 { return int64(b.burst) * b.interval }

func (b *bucket) standing(t int64) Verdict {
	b.fill(t)
	return Verdict{
		OK:         b.credit >= b.interval,
		Limit:      b.burst,
		Remaining:  int(b.credit / b.interval),
		ResetAfter: time.Duration(b.full() - b.credit),
		RetryAfter: time.Duration(max(0, b.interval-b.credit)),
		Quota:      b.quota,
		Window:     time.Duration(b.per),
	}
}

func (b *bucket) take(t int64) {
	b.fill(t)
	b.credit -= b.interval
}

func (b *bucket) refuse(int64) {}
func (b *bucket) done()        {}

// setLimit keeps the tokens, whole and in part, as far as the new bucket holds them.
func (b *bucket) setLimit(t int64, spec Spec) {
	b.fill(t)
	tokens, part := b.credit/b.interval, b.credit%b.interval
	b.quota, b.per, b.burst = spec.Limit, int64(spec.Per), spec.burst()
	part = mulDivFloor(part, spec.interval(), b.interval)
	b.interval = spec.interval()
	b.credit = min(b.full(), min(tokens, int64(b.burst))*b.interval+part)
}

func (b *bucket) clone() model {
	same := *b
	return &same
}

func (b *bucket) fill(t int64) {
	if elapsed := t - b.at; elapsed > 0 { // the first instant may lie before at, which begins at the Unix epoch
		b.credit += min(b.full()-b.credit, elapsed)
	}
	b.at = t
}
