package matrix

import (
	"math"
	"time"
)

// AWS is the adaptive retry mode of the AWS SDKs (documented in the AWS SDKs and Tools Reference Guide, "Retry
// behavior"; the formulae are those of botocore's client-side rate limiter, a variant of CUBIC): nothing is held back
// until the first throttled call; from then on a token bucket whose rate falls to 0.7 of what was measured at every
// throttled response, and grows on a cubic curve with the others. It ignores Retry-After.
var AWS = &Kind{Name: "AWS adaptive", New: func(c *Cell, begin time.Time) Sender {
	return &aws{most: c.Workers, begin: begin, filled: begin}
}}

const (
	awsBeta     = 0.7
	awsScale    = 0.4 // C, in calls/s per s³
	awsSmooth   = 0.8
	awsBucket   = 0.5 // seconds over which the rate is measured
	awsLeast    = 0.5 // calls per second
	awsCapacity = 1   // the least the bucket holds
	awsAhead    = 2   // times the measured rate is the most it fills at
)

type aws struct {
	most, inFlight int
	begin          time.Time // of its own time
	enabled        bool

	fill, capacity, tokens float64
	filled                 time.Time

	measured, bucket, count float64 // calls per second; the measure's bucket under way, in seconds; calls in it
	peak, failed            float64 // the curve's: w_max, and when it began, in seconds
}

// Next implements Sender.
func (a *aws) Next(now time.Time) (begin int, wake time.Time) {
	a.refill(now)
	for a.inFlight < a.most {
		if a.enabled {
			if a.tokens < 1 {
				wait := (1 - a.tokens) / a.fill
				return begin, now.Add(time.Duration(wait*float64(time.Second)) + time.Microsecond)
			}
			a.tokens--
		}
		begin++
		a.inFlight++
	}
	return begin, time.Time{}
}

func (a *aws) refill(now time.Time) {
	if a.enabled {
		a.tokens = min(a.capacity, a.tokens+now.Sub(a.filled).Seconds()*a.fill)
	}
	a.filled = now
}

// Ended implements Sender.
func (a *aws) Ended(now time.Time, r *Response) {
	a.inFlight--
	t := now.Sub(a.begin).Seconds()
	a.measure(t)
	var rate float64
	if r.Refused() {
		base := a.measured
		if a.enabled {
			base = min(base, a.fill)
		}
		a.peak, a.failed, a.enabled = base, t, true
		rate = awsBeta * base
	} else {
		rate = awsScale*math.Pow(t-a.failed-math.Cbrt(a.peak*(1-awsBeta)/awsScale), 3) + a.peak
	}
	if !a.enabled {
		return
	}
	a.refill(now)
	a.fill = max(awsLeast, min(rate, awsAhead*a.measured))
	a.capacity = max(awsCapacity, a.fill)
	a.tokens = min(a.tokens, a.capacity)
}

// measure counts a response for the rate.
func (a *aws) measure(t float64) {
	a.count++
	if b := math.Floor(t/awsBucket) * awsBucket; b > a.bucket {
		now := a.count / (b - a.bucket)
		a.measured = awsSmooth*now + (1-awsSmooth)*a.measured
		a.count, a.bucket = 0, b
	}
}
