package destination

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Dialect names the header fields in which a destination tells where its caller stands.
type Dialect string

// The dialects. Times are whole seconds, always rounded up, so that a caller who waits as long as it was told never
// comes early; a window shorter than a second is told as one second.
const (
	// NoHeaders tells nothing.
	NoHeaders Dialect = "none"
	// RetryAfterOnly sends Retry-After in seconds (RFC 9110 section 10.2.3), on refusals alone.
	RetryAfterOnly Dialect = "retry-after"
	// XRateLimitDelta sends X-Rate-Limit-Limit, -Remaining and -Reset, the reset as seconds from now (Omnisend).
	XRateLimitDelta Dialect = "x-rate-limit"
	// XRateLimitEpoch sends X-RateLimit-Limit, -Remaining and -Reset, the reset as a Unix time in seconds (GitHub).
	XRateLimitEpoch Dialect = "x-ratelimit"
	// Draft6 sends RateLimit-Limit, -Remaining, -Reset and -Policy (draft-ietf-httpapi-ratelimit-headers-06).
	Draft6 Dialect = "draft-6"
	// Draft7 sends RateLimit as one dictionary, and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-07).
	Draft7 Dialect = "draft-7"
	// Draft8 sends RateLimit and RateLimit-Policy as lists of named items (draft-ietf-httpapi-ratelimit-headers-08).
	Draft8 Dialect = "draft-8"
)

// Dialects returns all dialects, in the order in which they are documented.
func Dialects() []Dialect {
	return []Dialect{NoHeaders, RetryAfterOnly, XRateLimitDelta, XRateLimitEpoch, Draft6, Draft7, Draft8}
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
// limit is told on refusals and acceptances alike, except that Retry-After comes with refusals only.
//
// A limit of calls at once has no window and no reset. Its reset is told as 0 seconds, for the drafts up to 07 require
// one, and its window is left out: with draft-6 and draft-7 the whole policy, whose window they require. It asks for
// a retry after 1 second, the least that is not at once.
func (d Dialect) Append(fields []Header, v Verdict, now time.Time) []Header {
	limit, remaining := strconv.Itoa(v.Limit), strconv.Itoa(v.Remaining)
	reset := strconv.FormatInt(ceilSeconds(v.ResetAfter), 10)
	switch d {
	case RetryAfterOnly:
		if !v.OK {
			fields = append(fields, Header{"Retry-After", strconv.FormatInt(max(1, ceilSeconds(v.RetryAfter)), 10)})
		}
	case XRateLimitDelta:
		fields = append(fields,
			Header{"X-Rate-Limit-Limit", limit},
			Header{"X-Rate-Limit-Remaining", remaining},
			Header{"X-Rate-Limit-Reset", reset})
	case XRateLimitEpoch:
		fields = append(fields,
			Header{"X-RateLimit-Limit", limit},
			Header{"X-RateLimit-Remaining", remaining},
			Header{"X-RateLimit-Reset", strconv.FormatInt(ceilUnix(now.Add(v.ResetAfter)), 10)})
	case Draft6:
		if v.Window > 0 {
			fields = append(fields, Header{"RateLimit-Policy", quotaPolicy(v)})
		}
		fields = append(fields,
			Header{"RateLimit-Limit", limit},
			Header{"RateLimit-Remaining", remaining},
			Header{"RateLimit-Reset", reset})
	case Draft7:
		if v.Window > 0 {
			fields = append(fields, Header{"RateLimit-Policy", quotaPolicy(v)})
		}
		fields = append(fields,
			Header{"RateLimit", "limit=" + limit + ", remaining=" + remaining + ", reset=" + reset})
	case Draft8:
		fields = append(fields,
			Header{"RateLimit-Policy", namedPolicy(v)},
			Header{"RateLimit", `"default";r=` + remaining + ";t=" + reset})
	}
	return fields
}

func quotaPolicy(v Verdict) string {
	return strconv.Itoa(v.Quota) + ";w=" + strconv.FormatInt(ceilSeconds(v.Window), 10)
}

func namedPolicy(v Verdict) string {
	policy := `"default";q=` + strconv.Itoa(v.Quota)
	if v.Window == 0 {
		return policy + `;qu="concurrent-requests"`
	}
	return policy + ";w=" + strconv.FormatInt(ceilSeconds(v.Window), 10)
}

func ceilSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func ceilUnix(t time.Time) int64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}
