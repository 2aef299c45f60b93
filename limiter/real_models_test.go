package limiter

import (
	"math"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// judge is a destination that no algorithm of bench/destination is: it decides on a call and says what it tells.
type judge interface {
	judge(now time.Time) (ok bool, tells []destination.Header)
}

// haproxy is HAProxy's http_req_rate(per) with "deny_status 429": two windows, the older one weighted, the first from the
// first call on; refused calls count. It tells nothing.
//
// https://docs.haproxy.org/2.6/configuration.html, "http_req_rate"; include/haproxy/freq_ctr.h
type haproxy struct {
	limit, per        int64 // per in ms
	tick              int64 // when the window under way began, in ms
	current, previous int64
}

func (h *haproxy) judge(now time.Time) (bool, []destination.Header) {
	t := now.UnixMilli()
	switch age := t - h.tick; {
	case age >= 2*h.per:
		h.tick, h.current, h.previous = t, 0, 0
	case age >= h.per:
		h.tick, h.current, h.previous = h.tick+h.per, 0, h.current
	}
	h.current++
	rate := (h.previous*(h.tick+h.per-t) + h.current*h.per + h.per - 1) / h.per
	return rate <= h.limit, nil
}

// vsthrottle is Varnish's: a bucket that is filled by whole tokens, by the time since the last call that it let through, so
// that nothing flows in between calls that are closer than a token takes. Varnish's own page says Retry-After: 5.
//
// https://github.com/varnish/varnish-modules/blob/master/src/vmod_vsthrottle.c
type vsthrottle struct {
	limit  int64
	per    float64 // in seconds
	tokens int64
	last   time.Time
}

func (v *vsthrottle) judge(now time.Time) (bool, []destination.Header) {
	if v.last.IsZero() {
		v.last, v.tokens = now, v.limit
	}
	v.tokens = min(v.limit, v.tokens+int64(now.Sub(v.last).Seconds()/v.per*float64(v.limit)))
	tells := []destination.Header{{Name: "Retry-After", Value: "5"}}
	if v.tokens < 1 {
		return false, tells
	}
	v.tokens--
	v.last = now
	return true, tells
}

// fiberSliding is the sliding window of gofiber's limiter: two windows by a clock of whole seconds, the first from the
// first call on, the older one weighted and rounded up; refused calls count. It tells X-RateLimit-* on successes and
// Retry-After, the rest of the window, on refusals.
//
// https://github.com/gofiber/fiber/blob/main/middleware/limiter/limiter_sliding.go
type fiberSliding struct {
	limit, per        int64 // per in s
	end               int64
	current, previous int64
}

func (f *fiberSliding) judge(now time.Time) (bool, []destination.Header) {
	t := now.Unix()
	switch {
	case f.end == 0 || t >= f.end+f.per:
		f.end, f.current, f.previous = t+f.per, 0, 0
	case t >= f.end:
		f.end, f.current, f.previous = f.end+f.per, 0, f.current
	}
	f.current++
	reset := f.end - t
	left := f.limit - f.current - int64(math.Ceil(float64(f.previous)*float64(reset)/float64(f.per)))
	if left < 0 {
		return false, []destination.Header{{Name: "Retry-After", Value: strconv.FormatInt(reset, 10)}}
	}
	return true, []destination.Header{
		{Name: "X-RateLimit-Limit", Value: strconv.FormatInt(f.limit, 10)},
		{Name: "X-RateLimit-Remaining", Value: strconv.FormatInt(left, 10)},
		{Name: "X-RateLimit-Reset", Value: strconv.FormatInt(reset, 10)},
	}
}

// nginx is its limit_req without a burst: calls at a distance, by a clock of whole milliseconds. It tells nothing.
//
// https://nginx.org/en/docs/http/ngx_http_limit_req_module.html
type nginx struct {
	rate    int64 // calls in 1000 s
	last    int64 // ms
	started bool
}

func (n *nginx) judge(now time.Time) (bool, []destination.Header) {
	t := now.UnixMilli()
	if n.started && 1000-n.rate*(t-n.last)/1000 > 0 {
		return false, nil
	}
	n.last, n.started = t, true
	return true, nil
}

// rackAttack is rack-attack with the responder of its README: windows by the clock, of which only refusals tell, in epoch seconds.
// Refused calls count, which is seen by nobody.
//
// https://github.com/rack/rack-attack#customizing-responses
type rackAttack struct {
	limit, per int64 // per in s
	count      int64
	window     int64
}

func (r *rackAttack) judge(now time.Time) (bool, []destination.Header) {
	if w := now.Unix() / r.per; w != r.window {
		r.window, r.count = w, 0
	}
	if r.count++; r.count <= r.limit {
		return true, nil
	}
	return false, []destination.Header{
		{Name: "RateLimit-Limit", Value: strconv.FormatInt(r.limit, 10)},
		{Name: "RateLimit-Remaining", Value: "0"},
		{Name: "RateLimit-Reset", Value: strconv.FormatInt((r.window+1)*r.per, 10)},
	}
}
