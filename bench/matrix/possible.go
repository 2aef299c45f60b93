package matrix

import (
	"fmt"
	"math"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Possible returns the part of the best's use that a sender can reach at most when at most a share of its calls may be
// refused and it does not know in advance how long its calls will take; why says what bounds it, and is empty where
// nothing does (part is 1 then).
func (c *Cell) Possible(refused float64) (part float64, why string) {
	if c.is(destination.Concurrency) {
		return c.possibleAtOnce(refused)
	}
	return c.possibleSpacing(refused)
}

// possibleSpacing is the bound where the destination keeps a distance of I between calls: leaky without a burst, and
// whatever else holds one call at a time. A call that comes sooner is refused. With calls sent s apart, and each way
// longer by U[0, J], arrivals are s + D apart, where D is triangular on [-J, J], and for s = I + x with 0 ≤ x ≤ J
//
//	P(refused) = P(D < -x) = (J - x)² / (2 J²).
//
// At most a share p is refused for x ≥ J (1 - √(2p)), and then I (1-p) / (I + x) of the allowance is used. The best,
// who knows the road, needs no x at all.
func (c *Cell) possibleSpacing(refused float64) (part float64, why string) {
	distance := time.Duration(0)
	for _, l := range c.Limits {
		if l.Algorithm == destination.Leaky || l.Burst == 1 || l.Limit == 1 && l.Burst == 0 &&
			l.Algorithm != destination.Fixed && l.Algorithm != destination.SlidingCounter {
			distance = max(distance, l.Per/time.Duration(l.Limit))
		}
	}
	if distance == 0 || c.Jitter == 0 {
		return 1, ""
	}
	p := min(refused, 0.5)
	margin := float64(c.Jitter) * (1 - math.Sqrt(2*p))
	part = float64(distance) * (1 - p) / (float64(distance) + margin)
	return min(1, part), fmt.Sprintf("a distance of %s to be kept over ways that vary by %s", distance, c.Jitter)
}

// possibleAtOnce is the bound where calls at once are limited. The best sees a call end at the server and has the next
// one arrive at that instant. Who does not know ends in advance hears of one only half a round trip later, and its next
// call takes another half: a place stands empty for a round trip, unless more calls are under way than there are
// places, some of which then are refused; and each refusal that asks for a pause costs that pause. What is possible is
// found by trying: senders that know the places beforehand and keep the pauses they are asked for, with as many calls
// under way and as even a pace as serves best, the best of those that stay within the share.
func (c *Cell) possibleAtOnce(refused float64) (part float64, why string) {
	const calls, seed, finest = 6000, 1, 200
	places := c.Limits[0].Limit
	full := float64(places) / c.Service.Seconds()
	p := plan{steady: 2 * time.Second, pause: never, change: never, again: never}
	p.end = p.steady + time.Duration(calls/c.Rate()*float64(time.Second))
	told := *c
	if told.Dialect != destination.RetryAfterOnly {
		told.Dialect = destination.NoHeaders
	}
	most := 0.0
	bestOf, err := clairvoyant(&told, &p, seed)
	if err != nil {
		return 1, ""
	}
	try := func(atOnce int, pace float64) (within bool) {
		k := &Kind{New: func(*Cell, time.Time) Sender { return &tuned{atOnce: atOnce, pace: pace} }}
		r, err := study(&told, &p, k, seed, nil)
		if within = err == nil && r.Share() <= refused; within {
			most = max(most, r.Use(&bestOf))
		}
		return within
	}
	reach := int(math.Ceil(float64(places) * float64(c.Service+c.RTT+c.Jitter) / float64(c.Service)))
	for _, atOnce := range []int{places, places + 1, (places + reach) / 2, 2 * reach} {
		atOnce = min(atOnce, c.Workers)
		if try(atOnce, math.Inf(1)) {
			continue
		}
		// With pauses, a faster pace may be within the share and still use less.
		for i := range finest / 2 {
			try(atOnce, full*(0.55+float64(i)/finest))
		}
	}
	return min(1, most), "a place that comes free is heard of half a round trip later, and filled another half later"
}

// tuned is a sender that was told how many calls at once and which pace are best.
type tuned struct {
	atOnce, inFlight int
	pace             float64 // calls per second
	next             time.Time
	reading          reading
}

// Next implements Sender.
func (s *tuned) Next(now time.Time) (begin int, wake time.Time) {
	for !now.Before(s.next) && s.inFlight < s.atOnce {
		begin++
		s.inFlight++
		s.next = later(s.next, now).Add(time.Duration(float64(time.Second) / s.pace))
	}
	if s.inFlight >= s.atOnce {
		return begin, time.Time{}
	}
	return begin, s.next
}

// Ended implements Sender.
func (s *tuned) Ended(now time.Time, r *Response) {
	s.inFlight--
	if !r.Refused() {
		return
	}
	if h := s.reading.read(r); h != nil && h.HasRetryAfter {
		s.next = later(s.next, now.Add(h.RetryAfter))
	}
}
