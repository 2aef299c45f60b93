package front

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// passageProblem says why a request was not passed on; nil: it was, or the gateway failed.
func passageProblem(hold *Hold, err error) *problem {
	var p *problem
	switch {
	case errors.Is(err, ErrStopping):
		return closingProblem()
	case errors.Is(err, ErrCrowded):
		p = newProblem(503, "busy", "Too many requests wait for their turn", "Nothing was sent")
		p.retryAfter = busyRetryAfter
	case errors.Is(err, ErrUnsettled):
		p = newProblem(503, "storage-unwritable", "The disk takes nothing now",
			"No request gets its turn while what became of earlier ones cannot be written. Nothing was sent")
		p.retryAfter = unsavedRetryAfter
	case hold == nil:
		return nil
	case hold.Breaker:
		p = newProblem(503, "breaker-open", "The destination fails and is left alone for a while", hold.Why+". Nothing was sent")
		p.retryAfter = int(max(1, ceilSeconds(hold.Wait)))
	default:
		p = newProblem(429, "lane-limited", "The destination's limit leaves no room for this now", hold.Why+". Nothing was sent")
		p.retryAfter = int(max(1, ceilSeconds(hold.Wait)))
	}
	return p
}

// tellHold tells a lane's limit as the gateway keeps it, in the fields of draft-ietf-httpapi-ratelimit-headers.
func (f *Front) tellHold(ctx *fasthttp.RequestCtx, hold *Hold) {
	if hold == nil || hold.Limit <= 0 {
		return
	}
	ctx.Response.Header.Set("RateLimit-Policy", fmt.Sprintf(`"lane";q=%d;w=%d`, hold.Limit, max(1, int64(hold.Per/time.Second))))
	ctx.Response.Header.Set("RateLimit", `"lane";r=0;t=`+strconv.FormatInt(max(1, ceilSeconds(hold.Wait)), 10))
}

// failureProblem says why there is no response. The request may have reached the destination, unless its class says that it
// cannot have: it is not repeated.
func failureProblem(class string, timedOut bool, err error) *problem {
	status, slug, title := 502, "no-response", "The destination gave no response that can be passed on"
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		p := newProblem(503, "busy", "No more files can be opened here", "The gateway could not make the connection. Nothing was sent")
		p.retryAfter = busyRetryAfter
		return p
	case class == "blocked_destination":
		status, slug, title = 403, "blocked-destination", "The destination may not be called"
	case timedOut:
		status, slug, title = 504, "destination-timeout", "The destination did not answer in time"
	}
	sent := "It may have been acted on, and was not sent again"
	switch class {
	case "dns", "connect", "tls", "blocked_destination":
		sent = "Nothing was sent"
	}
	return newProblem(status, slug, title, fmt.Sprintf("%s: %v. %s", class, err, sent))
}
