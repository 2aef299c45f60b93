package front

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// MaxWait is the longest that a request waits for what becomes of its webhook.
const MaxWait = 60 * time.Second

// Wait is a request that waits for the end of its webhook.
type Wait interface {
	// Follow waits for a webhook that was stored before, instead of the one that Settings.Await was given. Its end may
	// have come already, and is not told then.
	Follow(id record.ID)
	// Ended is closed when the webhook's end is durable. Ending tells it then.
	Ended() <-chan struct{}
	Ending() *Ending
	// Drop ends the waiting; it must be called.
	Drop()
}

// Ending is how a webhook ended, or, of one that is stored nowhere, how its attempt did.
type Ending struct {
	State            record.State // empty: it is stored nowhere
	Reason           string
	Tries, Throttled int
	Attempt          *record.Attempt // the last; nil: none was made
	// Headers and Body are of its response, as received. Truncated: there was more of the body.
	Headers   []record.Header
	Body      []byte
	Truncated bool
}

// outcome is an Ending as the API shows it. Nothing of the response is masked: it is for who made the call.
type outcome struct {
	ID         string         `json:"id,omitempty"`
	State      record.State   `json:"state,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	Tries      *outcomeTries  `json:"tries,omitempty"`
	Outcome    *string        `json:"outcome"` // of the last attempt, as the rest; null: none was made
	DurationMs int64          `json:"duration_ms"`
	ErrorClass *string        `json:"error_class"`
	Error      string         `json:"error,omitempty"`
	TimedOut   bool           `json:"timed_out"`
	Response   *shownResponse `json:"response"` // null: none came
}

type outcomeTries struct {
	Used      int `json:"used"`
	Throttled int `json:"throttled"`
}

// shownResponse is what the destination said. At most one of Body and BodyBase64 is set.
type shownResponse struct {
	Status     int         `json:"status"`
	Headers    [][2]string `json:"headers"`
	Body       *string     `json:"body"`
	BodyBase64 []byte      `json:"body_base64,omitempty"` // of a body that is not text
	Truncated  bool        `json:"truncated"`
}

func showOutcome(e *Ending) *outcome {
	o := &outcome{State: e.State, Reason: e.Reason}
	if e.State != "" {
		o.Tries = &outcomeTries{e.Tries, e.Throttled}
	}
	a := e.Attempt
	if a == nil {
		return o
	}
	o.Outcome, o.DurationMs, o.Error, o.TimedOut = &a.Outcome, a.DurationMs, a.Error, a.TimedOut
	if a.ErrorClass != "" {
		o.ErrorClass = &a.ErrorClass
	}
	if a.Status == 0 {
		return o
	}
	r := &shownResponse{Status: a.Status, Headers: make([][2]string, len(e.Headers)), Truncated: e.Truncated}
	for i, h := range e.Headers {
		r.Headers[i] = [2]string{h.Name, h.Value}
	}
	switch {
	case len(e.Body) == 0:
	case utf8.Valid(e.Body):
		body := string(e.Body)
		r.Body = &body
	default:
		r.BodyBase64 = e.Body
	}
	o.Response = r
	return o
}

// preferredWait reads the preference wait (RFC 7240 section 4.3): how many seconds at most, 0: none. A preference that
// cannot be understood, or met, is as if it were not there (section 2).
func preferredWait(h *fasthttp.RequestHeader) time.Duration {
	for _, field := range h.PeekAll("Prefer") {
		for one := range strings.SplitSeq(string(field), ",") {
			one, _, _ = strings.Cut(one, ";") // parameters, of which wait has none
			name, value, _ := strings.Cut(one, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0
			}
			return min(time.Duration(seconds)*time.Second, MaxWait)
		}
	}
	return 0
}

// announce has the end of a webhook waited for, where its request prefers that and there is room; nil: it is not.
func (f *Front) announce(h *fasthttp.RequestHeader, w *record.Webhook) (Wait, time.Duration) {
	long := preferredWait(h)
	if long <= 0 || f.set.Await == nil {
		return nil, 0
	}
	return f.set.Await(w), long
}

// answerOutcome answers with what became of a stored webhook, once it is over; false when it is not in time, and then
// nothing was answered but that its request waited.
func (f *Front) answerOutcome(ctx *fasthttp.RequestCtx, r persist.Receipt, wait Wait, long time.Duration) bool {
	e := (*Ending)(nil)
	if r.Verdict == persist.Existing {
		wait.Follow(r.ID)
		e = f.endedBefore(r.ID)
	}
	ctx.Response.Header.Set("Preference-Applied", "wait="+strconv.FormatInt(int64(long/time.Second), 10))
	if e == nil {
		timer := time.NewTimer(long)
		defer timer.Stop()
		select {
		case <-wait.Ended():
			e = wait.Ending()
		case <-timer.C:
			return false
		case <-f.stopping:
			return false
		}
	}
	o := showOutcome(e)
	o.ID = r.ID.String()
	write(ctx, o)
	return true
}

// endedBefore is how a webhook ended of which nobody tells any more, as far as it is recorded; nil: it has not, or that
// cannot be told.
func (f *Front) endedBefore(id record.ID) *Ending {
	view, err := f.set.Store.Webhook(f.work, id)
	if err != nil || view.Final == nil {
		return nil
	}
	w := view.Final
	e := &Ending{State: w.State, Reason: w.Reason, Tries: w.Tries, Throttled: w.Throttled}
	attempts := view.Attempts
	if len(attempts) == 0 {
		attempts = w.Attempts
	}
	if n := len(attempts); n > 0 {
		e.Attempt = &attempts[n-1]
		// What is recorded of a response is its beginning, and the headers that mattered.
		e.Headers, e.Body, e.Truncated = e.Attempt.Headers, e.Attempt.Body, true
	}
	return e
}
