package limiter

import "time"

// exchange is what is known of the clocks when a response is read.
type exchange struct {
	sent, received time.Time
	date           time.Time // the destination's clock, zero when not told
	skew           time.Duration
	skewKnown      bool // skew is the destination's clock less ours, to within skewSlack; date is not needed then
}

// skewed is how far the destination's clock may be off before its Date is believed over ours: Date has no fraction, so
// correcting by it where the clocks agree would cost up to a second.
const skewed = 2 * time.Second

// corrected reports whether absolute instants must be read against the destination's Date.
func (x exchange) corrected() bool {
	return !x.date.IsZero() && (x.date.Sub(x.received) > skewed || x.sent.Sub(x.date) > skewed)
}

// wait is how long after the response's receipt the stamp lies; negative when it has passed.
func (x exchange) wait(s stamp) time.Duration {
	switch {
	case !s.form.Absolute():
		return s.wait
	case x.skewKnown:
		return s.at.Sub(x.received.Add(x.skew))
	case x.corrected():
		return s.at.Sub(x.date)
	}
	return s.at.Sub(x.received)
}

// place puts the stamp on our clock: at, as told, and the interval it lies in, whichever way the server rounded. The
// server acted somewhere between sent and received. ok is false when it is too far away to be a window's end.
func (x exchange) place(s stamp) (at time.Time, in Interval, ok bool) {
	wait := x.wait(s)
	if wait > MaxReset {
		return time.Time{}, Interval{}, false
	}
	wait = max(wait, -MaxReset) // long past is past
	rtt := min(x.received.Sub(x.sent), MaxReset)
	lo, hi := wait-s.fine, wait+s.fine
	switch {
	case s.form == Constant:
		lo = 0
	case !s.form.Absolute():
		lo -= rtt
	case x.skewKnown:
		lo, hi = lo-skewSlack, hi+skewSlack
	case x.corrected():
		lo -= rtt + time.Second // Date is cut to the second
	}
	bound := func(d time.Duration) time.Time { return x.received.Add(max(0, min(d, MaxReset))) }
	return bound(wait), Interval{Lo: bound(lo), Hi: bound(hi)}, true
}
