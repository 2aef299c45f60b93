package real

import (
	"fmt"
	"math"
	"time"
)

// Kind is how a limiter counts.
type Kind int

const (
	// Window allows Limit calls in each Per: windows side by side, or one that slides.
	Window Kind = iota
	// Bucket allows Limit calls per Per on average and Burst at once from rest: token and leaky buckets, GCRA.
	Bucket
	// Concurrency allows Limit calls under way at once.
	Concurrency
)

// Rule is what a destination was told to allow, from which follows what a sender can get through at most.
type Rule struct {
	Kind  Kind
	Limit int
	Per   time.Duration // Window, Bucket; above 0
	Burst int           // Bucket: what it holds, at least 1
	// Took is how long a call of a Concurrency rule takes where it says nothing of its own: nominally, before any was measured.
	Took time.Duration
	// Step is the grain of a sliding counter's clock. Until the first step of a window is over, the window before it
	// counts in full, so that a steady sender gets Limit in Per + Step. 0: the clock's own.
	Step time.Duration
	// ByClock says that windows begin at multiples of Per since 1970, not with a call.
	ByClock bool
}

// String says the rule in words.
func (r Rule) String() string {
	switch r.Kind {
	case Bucket:
		return fmt.Sprintf("%d/%s, bucket of %d", r.Limit, short(r.Per), r.Burst)
	case Concurrency:
		return fmt.Sprintf("%d at once, %s each", r.Limit, r.Took)
	}
	return fmt.Sprintf("%d/%s", r.Limit, short(r.Per))
}

func short(d time.Duration) string {
	if d == time.Second {
		return "s"
	}
	return d.String()
}

// rate is calls per second in the long run. Took is the mean time of the calls let through; it is of use to
// Concurrency only.
func (r Rule) rate(took time.Duration) float64 {
	if r.Kind == Concurrency {
		return float64(r.Limit) / took.Seconds()
	}
	return float64(r.Limit) / (r.Per + r.Step).Seconds()
}

// Allowance is how many calls the rule lets through in d when it has been kept busy before, rounded to nothing: the use
// of it is a ratio. Took is the mean time of the calls let through.
func (r Rule) Allowance(d, took time.Duration) float64 { return r.rate(took) * d.Seconds() }

// WholeAllowance is the same from rest: a bucket is full then.
func (r Rule) WholeAllowance(d, took time.Duration) float64 {
	return r.Allowance(d, took) + float64(r.Burst)
}

// leastWarmUp is what a sender gets to find a limit that nobody tells it.
const leastWarmUp = 10 * time.Second

// WarmUp is how long after the first call the measured time begins: when the first window is over, but not before ten
// seconds.
func (r Rule) WarmUp() time.Duration { return max(r.Per, leastWarmUp) }

// Begins is when the measured time begins, given the first call: after the warm-up, and by the clock with the next window. Amid one,
// what the warm-up took of it could not be used again, and what the last one has left for its second half would be missing, too.
func (r Rule) Begins(first time.Time) time.Time {
	at := first.Add(r.WarmUp())
	if r.ByClock {
		if edge := time.Unix(0, at.UnixNano()/int64(r.Per)*int64(r.Per)); edge.Before(at) {
			return edge.Add(r.Per)
		}
	}
	return at
}

// Lasts is how long a run of it takes at most from the first call, when d is asked for.
func (r Rule) Lasts(d time.Duration) time.Duration {
	length := r.WarmUp() + r.Measured(d)
	if r.ByClock {
		length += r.Per
	}
	return length
}

// Measured is how long to measure when d is asked for: a whole number of windows, so that it does not matter where in a
// window the measuring begins.
func (r Rule) Measured(d time.Duration) time.Duration {
	if r.Per <= 0 {
		return d
	}
	return time.Duration(math.Ceil(d.Seconds()/r.Per.Seconds())) * r.Per
}
