package destination

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Algorithm names a way of limiting.
type Algorithm string

// The algorithms, each with well-known servers that limit so.
const (
	// Fixed counts in windows aligned to the clock: they begin when the Unix time is a multiple of Per (Kong, GitHub).
	Fixed Algorithm = "fixed"
	// FixedFirst counts in windows that begin with the first call after the last one ended (express-rate-limit).
	FixedFirst Algorithm = "fixed-first"
	// SlidingLog keeps the instant of every accepted call: never more than N in any Per (Caddy's rate_limit module).
	SlidingLog Algorithm = "sliding-log"
	// SlidingCounter adds to the clock-aligned window's count that of the one before, weighted by how much of it is
	// still within Per (Cloudflare, go-chi/httprate).
	SlidingCounter Algorithm = "sliding-counter"
	// Bucket holds tokens, one of which each call takes and which come back at N per Per (AWS API Gateway, Stripe).
	Bucket Algorithm = "bucket"
	// GCRA is the generic cell rate algorithm: it keeps the instant at which the next call is expected, and accepts
	// calls that are early by no more than the burst allows (redis-cell, throttled).
	GCRA Algorithm = "gcra"
	// Leaky accepts one call per Per/N and refuses any that comes sooner (nginx limit_req without burst).
	Leaky Algorithm = "leaky"
	// LeakyQueue lets one call through per Per/N, too, but one that comes sooner waits for its turn instead of being
	// refused, as far as Burst allows (nginx limit_req with burst, without nodelay).
	LeakyQueue Algorithm = "leaky-queue"
	// Concurrency accepts N calls at once, at any rate; Per means nothing to it (nginx limit_conn).
	Concurrency Algorithm = "concurrency"
	// Counting estimates the rate as SlidingCounter does, but counts refused calls too: a caller that keeps
	// overshooting gets nothing (HAProxy's http_req_rate).
	Counting Algorithm = "counting"
)

// Algorithms returns all algorithms, in the order in which they are documented.
func Algorithms() []Algorithm {
	return []Algorithm{Fixed, FixedFirst, SlidingLog, SlidingCounter, Bucket, GCRA, Leaky, LeakyQueue, Concurrency, Counting}
}

// Validate returns an error unless the algorithm is one of Algorithms.
func (a Algorithm) Validate() error {
	if !slices.Contains(Algorithms(), a) {
		return fmt.Errorf("algorithm %q: must be one of %s", a, join(Algorithms()))
	}
	return nil
}

// Bounds of a Spec, chosen so that nothing computed from one overflows.
const (
	MaxLimit = 1_000_000_000
	MinPer   = time.Millisecond
	MaxPer   = 366 * 24 * time.Hour
)

// Spec says what a destination accepts: Limit calls per Per, counted by Algorithm.
type Spec struct {
	Algorithm Algorithm
	Limit     int           // 1 to MaxLimit calls
	Per       time.Duration // MinPer to MaxPer; ignored by Concurrency
	// Burst is how many calls bucket, gcra and leaky-queue accept at once after a rest; 0: as many as Limit. The others
	// have none. Of those in a leaky-queue all but the first wait: nginx calls it burst=Burst-1.
	Burst int
}

// Validate reports all that is wrong with the spec, or nil.
func (s Spec) Validate() error {
	var errs []error
	if err := s.Algorithm.Validate(); err != nil {
		errs = append(errs, err)
	}
	if s.Limit < 1 || s.Limit > MaxLimit {
		errs = append(errs, fmt.Errorf("limit of %d calls: must be 1 to %d", s.Limit, MaxLimit))
	}
	if s.Algorithm != Concurrency && (s.Per < MinPer || s.Per > MaxPer) {
		errs = append(errs, fmt.Errorf("limit per %s: must be %s to %s", s.Per, MinPer, MaxPer))
	}
	switch {
	case s.Burst == 0:
	case s.Algorithm != Bucket && s.Algorithm != GCRA && s.Algorithm != LeakyQueue:
		errs = append(errs, fmt.Errorf("burst of %d calls with algorithm %q: only %s, %s and %s have a burst",
			s.Burst, s.Algorithm, Bucket, GCRA, LeakyQueue))
	case s.Burst < 0 || s.Burst > MaxLimit:
		errs = append(errs, fmt.Errorf("burst of %d calls: must be 1 to %d, or 0 for the limit", s.Burst, MaxLimit))
	case len(errs) == 0 && int64(s.Burst) > math.MaxInt64/4/s.interval():
		errs = append(errs, fmt.Errorf("burst of %d calls at %s: would take over 73 years to fill; must be less",
			s.Burst, s))
	}
	return errors.Join(errs...)
}

// String returns the limit as ParseLimit reads it: "20/1s".
func (s Spec) String() string { return strconv.Itoa(s.Limit) + "/" + shortDuration(s.Per) }

// interval is the time in ns that one call costs, rounded up: a model may be a shade stricter than its spec, never
// more generous.
func (s Spec) interval() int64 { return (int64(s.Per) + int64(s.Limit) - 1) / int64(s.Limit) }

func (s Spec) burst() int {
	switch {
	case s.Algorithm == Leaky:
		return 1
	case s.Burst > 0:
		return s.Burst
	}
	return s.Limit
}

// ParseLimit reads "N/DURATION", as in 20/1s, 100/10s, 250000/24h or 600/m: N calls per Go duration, or per single
// unit ms, s, m, min, h or d. It checks the bounds of Spec.
func ParseLimit(text string) (limit int, per time.Duration, err error) {
	const right = "must be N/DURATION, as in 20/1s or 600/m"
	calls, period, found := strings.Cut(text, "/")
	if !found {
		return 0, 0, fmt.Errorf("limit %q: %s", text, right)
	}
	if limit, err = strconv.Atoi(calls); err != nil || calls[0] == '+' {
		return 0, 0, fmt.Errorf("limit %q: %q is not a number of calls; %s", text, calls, right)
	}
	if per, err = parsePeriod(period); err != nil {
		return 0, 0, fmt.Errorf("limit %q: %q is not a duration; %s", text, period, right)
	}
	if err := (Spec{Algorithm: Fixed, Limit: limit, Per: per}).Validate(); err != nil {
		return 0, 0, fmt.Errorf("limit %q: %w", text, err)
	}
	return limit, per, nil
}

func parsePeriod(text string) (time.Duration, error) {
	switch text {
	case "ms", "s", "m", "h":
		return time.ParseDuration("1" + text)
	case "min":
		return time.Minute, nil
	case "d":
		return 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}

// shortDuration writes d without the zero minutes and seconds that time.Duration adds: 24h, not 24h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// join lists names for a message.
func join[T ~string](names []T) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(name))
	}
	return b.String()
}
