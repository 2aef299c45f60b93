package destination

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dialect names the header fields in which a destination tells where its caller stands.
type Dialect string

// The dialects. Times are whole seconds, rounded up unless the name says otherwise, so that a caller who waits as long
// as it was told never comes early; a window shorter than a second is told as one second.
const (
	// NoHeaders tells nothing.
	NoHeaders Dialect = "none"
	// RetryAfterOnly sends Retry-After in seconds (RFC 9110 section 10.2.3), on refusals alone.
	RetryAfterOnly Dialect = "retry-after"
	// RetryAfterFloor is RetryAfterOnly rounded down, to 0 at times: who waits as long as it was told comes early.
	RetryAfterFloor Dialect = "retry-after-floor"
	// RetryAfterWindow sends the length of the window as Retry-After, whatever is left of it, on refusals alone.
	RetryAfterWindow Dialect = "retry-after-window"
	// RetryAfterDate sends Retry-After as an HTTP-date (RFC 9110 section 5.6.7), on refusals alone.
	RetryAfterDate Dialect = "retry-after-date"
	// RetryAfterAlways sends Retry-After on refusals and, with the time to the reset, on accepted calls too
	// (flask-limiter).
	RetryAfterAlways Dialect = "retry-after-always"
	// XRateLimitCounts sends X-RateLimit-Limit and -Remaining always, and on refusals alone what tells of time: Retry-After
	// and X-RateLimit-Reset, a Unix time in seconds (Laravel).
	XRateLimitCounts Dialect = "x-ratelimit-counts"
	// XRateLimitDelta sends X-Rate-Limit-Limit, -Remaining and -Reset, the reset as seconds from now (Omnisend).
	XRateLimitDelta Dialect = "x-rate-limit"
	// XRateLimitEpoch sends X-RateLimit-Limit, -Remaining and -Reset, the reset as a Unix time in seconds (GitHub).
	XRateLimitEpoch Dialect = "x-ratelimit"
	// XRateLimitEpochFloor is XRateLimitEpoch rounded down (go-chi/httprate, flask-limiter).
	XRateLimitEpochFloor Dialect = "x-ratelimit-floor"
	// XRateLimitEpochMs is XRateLimitEpoch with the reset in milliseconds (as Linear tells it).
	XRateLimitEpochMs Dialect = "x-ratelimit-epoch-ms"
	// XRateLimitSeconds is XRateLimitEpoch with the reset as seconds from now (fastify).
	XRateLimitSeconds Dialect = "x-ratelimit-delta"
	// XRateLimitMs is XRateLimitEpoch with the reset as milliseconds from now, and nothing that says so (as Tiendanube
	// tells it).
	XRateLimitMs Dialect = "x-ratelimit-ms"
	// Draft6 sends RateLimit-Limit, -Remaining, -Reset and -Policy (draft-ietf-httpapi-ratelimit-headers-06).
	Draft6 Dialect = "draft-6"
	// Draft7 sends RateLimit as one dictionary, and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-07).
	Draft7 Dialect = "draft-7"
	// Draft8 sends RateLimit and RateLimit-Policy as lists of named items (draft-ietf-httpapi-ratelimit-headers-08).
	Draft8 Dialect = "draft-8"
)

// Dialects returns all dialects, in the order in which they are documented.
func Dialects() []Dialect {
	return []Dialect{NoHeaders, RetryAfterOnly, RetryAfterFloor, RetryAfterWindow, RetryAfterDate, RetryAfterAlways,
		XRateLimitCounts, XRateLimitDelta, XRateLimitEpoch, XRateLimitEpochFloor, XRateLimitEpochMs, XRateLimitSeconds, XRateLimitMs,
		Draft6, Draft7, Draft8}
}

// Advertises reports whether the dialect tells the limit on accepted calls, too: how much, and until when.
func (d Dialect) Advertises() bool {
	switch d {
	case NoHeaders, RetryAfterOnly, RetryAfterFloor, RetryAfterWindow, RetryAfterDate, RetryAfterAlways,
		XRateLimitCounts:
		return false
	}
	return true
}

// Validate returns an error unless the dialect is one of Dialects.
func (d Dialect) Validate() error {
	if !slices.Contains(Dialects(), d) {
		return fmt.Errorf("headers %q: must be one of %s", d, join(Dialects()))
	}
	return nil
}

// Header is one header field of a response.
type Header struct{ Name, Value string }

// Append appends to fields what the dialect says of a verdict given at now. It is for responses of every status: a
// limit is told on refusals and acceptances alike, except that Retry-After comes with refusals only, unless the
// dialect's name says otherwise.
//
// A limit of calls at once has no window and no reset. Its reset is told as 0 seconds, for the drafts up to 07 require
// one, and its window is left out: with draft-6 and draft-7 the whole policy, whose window they require. It asks for
// a retry after 1 second, the least that is not at once.
func (d Dialect) Append(fields []Header, v Verdict, now time.Time) []Header {
	switch {
	case d == XRateLimitCounts:
		return appendCounts(fields, v, now)
	case d.Advertises():
		return d.appendLimit(fields, v, now)
	}
	return d.appendRetryAfter(fields, v, now)
}

func appendCounts(fields []Header, v Verdict, now time.Time) []Header {
	fields = append(fields,
		Header{"X-RateLimit-Limit", strconv.Itoa(v.Limit)},
		Header{"X-RateLimit-Remaining", strconv.Itoa(v.Remaining)})
	if v.OK {
		return fields
	}
	return append(fields,
		Header{"Retry-After", strconv.FormatInt(max(1, ceilSeconds(v.RetryAfter)), 10)},
		Header{"X-RateLimit-Reset", strconv.FormatInt(ceilUnix(now.Add(v.RetryAfter)), 10)})
}

func (d Dialect) appendRetryAfter(fields []Header, v Verdict, now time.Time) []Header {
	if d == NoHeaders || v.OK && d != RetryAfterAlways {
		return fields
	}
	wait := max(1, ceilSeconds(v.RetryAfter))
	switch {
	case d == RetryAfterFloor:
		wait = int64(v.RetryAfter / time.Second)
	case d == RetryAfterWindow:
		wait = max(1, ceilSeconds(v.Window))
	case d == RetryAfterDate:
		at := time.Unix(max(now.Unix()+1, ceilUnix(now.Add(v.RetryAfter))), 0)
		return append(fields, Header{"Retry-After", at.UTC().Format(imfFixdate)})
	case v.OK:
		wait = ceilSeconds(v.ResetAfter)
	}
	return append(fields, Header{"Retry-After", strconv.FormatInt(wait, 10)})
}

// imfFixdate is the date form that is to be sent (RFC 9110 section 5.6.7).
const imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"

func (d Dialect) appendLimit(fields []Header, v Verdict, now time.Time) []Header {
	limit, remaining := strconv.Itoa(v.Limit), strconv.Itoa(v.Remaining)
	left := ceilSeconds(v.ResetAfter)
	reset := strconv.FormatInt(left, 10)
	switch d {
	case XRateLimitDelta:
		return append(fields,
			Header{"X-Rate-Limit-Limit", limit},
			Header{"X-Rate-Limit-Remaining", remaining},
			Header{"X-Rate-Limit-Reset", reset})
	case Draft6:
		if v.Window > 0 {
			fields = append(fields, Header{"RateLimit-Policy", quotaPolicy(v)})
		}
		return append(fields,
			Header{"RateLimit-Limit", limit},
			Header{"RateLimit-Remaining", remaining},
			Header{"RateLimit-Reset", reset})
	case Draft7:
		if v.Window > 0 {
			fields = append(fields, Header{"RateLimit-Policy", quotaPolicy(v)})
		}
		return append(fields,
			Header{"RateLimit", "limit=" + limit + ", remaining=" + remaining + ", reset=" + reset})
	case Draft8:
		return append(fields,
			Header{"RateLimit-Policy", namedPolicy("default", v)},
			Header{"RateLimit", namedStanding("default", v)})
	case XRateLimitEpoch:
		left = ceilUnix(now.Add(v.ResetAfter))
	case XRateLimitEpochFloor:
		left = now.Add(v.ResetAfter).Unix()
	case XRateLimitEpochMs:
		left = ceilDiv(now.Add(v.ResetAfter).UnixNano(), int64(time.Millisecond))
	case XRateLimitMs:
		left = ceilDiv(int64(v.ResetAfter), int64(time.Millisecond))
	}
	return append(fields,
		Header{"X-RateLimit-Limit", limit},
		Header{"X-RateLimit-Remaining", remaining},
		Header{"X-RateLimit-Reset", strconv.FormatInt(left, 10)})
}

// AppendAll is Append for a destination with several limits, which decided together. Of what has no room for more
// than one it tells the one that binds: on a refusal the one to wait for longest, else the one of which the least
// remains, at a tie the longest; draft-6 and draft-7 name all policies beside it, and draft-8 tells each.
func (d Dialect) AppendAll(fields []Header, vs []Verdict, now time.Time) []Header {
	if len(vs) == 1 {
		return d.Append(fields, vs[0], now)
	}
	binding := vs[0]
	for _, v := range vs[1:] {
		if binds(v, binding) {
			binding = v
		}
	}
	first := len(fields)
	fields = d.Append(fields, binding, now)
	if d != Draft6 && d != Draft7 && d != Draft8 {
		return fields
	}
	var policies, standings []string
	for _, v := range vs {
		name := shortDuration(v.Window)
		if d == Draft8 {
			policies = append(policies, namedPolicy(name, v))
			standings = append(standings, namedStanding(name, v))
		} else {
			policies = append(policies, quotaPolicy(v))
		}
	}
	fields[first].Value = strings.Join(policies, ", ")
	if d == Draft8 {
		fields[first+1].Value = strings.Join(standings, ", ")
	}
	return fields
}

func binds(v, than Verdict) bool {
	switch {
	case v.OK != than.OK:
		return !v.OK
	case v.RetryAfter != than.RetryAfter:
		return v.RetryAfter > than.RetryAfter
	case v.Remaining != than.Remaining:
		return v.Remaining < than.Remaining
	}
	return v.Window > than.Window
}

func quotaPolicy(v Verdict) string {
	return strconv.Itoa(v.Quota) + ";w=" + strconv.FormatInt(ceilSeconds(v.Window), 10)
}

func namedPolicy(name string, v Verdict) string {
	policy := `"` + name + `";q=` + strconv.Itoa(v.Quota)
	if v.Window == 0 {
		return policy + `;qu="concurrent-requests"`
	}
	return policy + ";w=" + strconv.FormatInt(ceilSeconds(v.Window), 10)
}

func namedStanding(name string, v Verdict) string {
	return `"` + name + `";r=` + strconv.Itoa(v.Remaining) + ";t=" + strconv.FormatInt(ceilSeconds(v.ResetAfter), 10)
}

func ceilSeconds(d time.Duration) int64 { return ceilDiv(int64(d), int64(time.Second)) }

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

func ceilUnix(t time.Time) int64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}
