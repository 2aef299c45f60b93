package dispatch

import (
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Bounds on what an attempt's record keeps of the response.
const (
	keptHeaders     = 16
	keptHeaderValue = 256
	keptBody        = 1024
	keptError       = 300
)

// recordOf is what is kept of an attempt: the headers that mattered and the beginning of the body.
func recordOf(x *exchange, outcome policy.Outcome, n int) *record.Attempt {
	resp := &x.resp
	a := &record.Attempt{
		N: n, At: x.began.UnixMilli(), DurationMs: x.ended.Sub(x.began).Milliseconds(), Status: resp.Status,
		Outcome: string(outcome), ErrorClass: string(resp.Class), TimedOut: resp.TimedOut,
	}
	if resp.Err != nil {
		a.Error = shortened(fmt.Sprint(resp.Err), keptError)
	}
	resp.VisitAll(func(name, value []byte) {
		if len(a.Headers) < keptHeaders && matters(name) {
			a.Headers = append(a.Headers, record.Header{
				Name: string(name), Value: shortened(string(value), keptHeaderValue),
			})
		}
	})
	if n := min(len(resp.Body), keptBody); n > 0 {
		a.Body = append([]byte(nil), resp.Body[:n]...)
	}
	return a
}

// matters reports whether a response header is worth keeping: what it says of limits, waiting, or where to go.
func matters(name []byte) bool {
	switch {
	case has(name, "content-type"), has(name, "location"), has(name, "retry-after"), has(name, "x-request-id"):
		return true
	}
	return limiter.Speaks(name)
}

func has(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

func shortened(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
