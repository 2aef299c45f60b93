package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
)

// ProblemBase begins every problem's type. What follows it is stable: clients branch on it.
const ProblemBase = "https://sluice-gateway.github.io/problems/"

// problem is an RFC 9457 problem document.
type problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []fault `json:"errors,omitempty"`

	retryAfter int    // seconds; 0: the client is not told to wait
	allow      string // of a 405
}

// fault is one entry of a problem's errors: what is wrong with which field, and what would be right.
type fault struct {
	Pointer string `json:"pointer"` // RFC 6901; empty: the whole definition
	Value   string `json:"value,omitempty"`
	Problem string `json:"problem"`
	Want    string `json:"want,omitempty"`
}

// How long clients are told to wait, in seconds.
const (
	busyRetryAfter    = 1
	closingRetryAfter = 5
	unsavedRetryAfter = 5
	fullRetryAfter    = 60
)

func newProblem(status int, slug, title, detail string) *problem {
	return &problem{Type: ProblemBase + slug, Title: title, Status: status, Detail: detail}
}

func badRequest(wrong, want string) *problem {
	return newProblem(400, "bad-request", "The request is not well-formed", wrong+": want "+want)
}

func invalidProblem(faults webhook.Faults) *problem {
	p := newProblem(400, "invalid-definition", "The definition is not valid", "")
	if faults.TooLarge() {
		p = newProblem(413, "too-large", "The webhook is too large", "")
	}
	if p.Detail = faults[0].Error(); len(faults) > 1 {
		p.Detail = fmt.Sprintf("%d faults; the first: %s", len(faults), p.Detail)
	}
	p.Errors = make([]fault, len(faults))
	for i, f := range faults {
		p.Errors[i] = fault{f.Path, f.Value, f.Problem, f.Want}
	}
	return p
}

func internalProblem() *problem {
	return newProblem(500, "internal", "Something went wrong here", "The gateway's log says what")
}

func closingProblem() *problem {
	p := newProblem(503, "shutting-down", "The gateway is shutting down", "Nothing was stored")
	p.retryAfter = closingRetryAfter
	return p
}

func unsavedProblem() *problem {
	p := newProblem(503, "not-saved", "The change is in effect, but not on disk yet",
		"The store does not take it: a crash now would undo the change. Want the same again, until it is answered with 200")
	p.retryAfter = unsavedRetryAfter
	return p
}

func unauthorizedProblem(presented bool) *problem {
	if presented {
		return newProblem(401, "unauthorized", "A token is needed", "What was presented is none of the configured tokens")
	}
	return newProblem(401, "unauthorized", "A token is needed", "want Authorization: Bearer and a token")
}

func forbiddenProblem(detail string) *problem {
	return newProblem(403, "forbidden", "The token does not allow that", detail)
}

func crossOriginProblem() *problem {
	return newProblem(403, "cross-origin", "Another site's page may not use this API",
		"The browser said that the request comes from elsewhere")
}

func misdirectedProblem(host string) *problem {
	return newProblem(421, "misdirected", "The request is addressed to someone else",
		fmt.Sprintf("Host %.100q: want localhost, a loopback address, or one of names in the configuration", host))
}

func notFoundProblem(detail string) *problem {
	return newProblem(404, "not-found", "There is no such thing", detail)
}

// noRouteProblem says what is wrong with a path, and which is right where that is only one without a slash.
func noRouteProblem(path []byte) *problem {
	want := "one of those in " + contractPath + "; webhooks are posted to " + webhooksPath
	if shorter := strings.TrimRight(string(path), "/"); len(shorter) < len(path) {
		if of, _ := find(shorter); of != nil {
			want = fmt.Sprintf("%.100s, without a slash at its end", shorter)
		}
	}
	return notFoundProblem(fmt.Sprintf("No route has the path %.100q: want %s", path, want))
}

func encodingProblem(given []byte) *problem {
	return newProblem(415, "unsupported-media-type", "The body's encoding is not supported",
		fmt.Sprintf("Content-Encoding %.100q: want none, and the body as it is", given))
}

func typeProblem(given []byte, want string) *problem {
	return newProblem(415, "unsupported-media-type", "The body's type is not supported", fmt.Sprintf("Content-Type %.100q: want %s", given, want))
}

func methodProblem(method []byte, allow string) *problem {
	p := newProblem(405, "method-not-allowed", "The method is not allowed here", fmt.Sprintf("%s: want %s", method, allow))
	p.allow = allow
	return p
}

func conflictProblem() *problem {
	return newProblem(422, "idempotency-conflict", "The idempotency key is known for something else",
		"Within 24 hours a key stands for one definition: want a new key, or the definition that was first sent under it")
}

// storeProblem says why the store, or whoever sends, did not take something. nil where it is the gateway's own failure.
func storeProblem(err error) *problem {
	var p *problem
	var held *TooManyHeldError
	switch {
	case errors.As(err, &held):
		p = newProblem(409, "too-many-held", "Too many are held", fmt.Sprintf(
			"Nothing was held: %s: want one of them resumed first, or holds.%s raised", held, held.What))
	case errors.Is(err, persist.ErrFull):
		p = newProblem(507, "storage-full", "There is too little disk space to accept more", "Nothing was stored")
		if errors.Is(err, persist.ErrNoFiles) {
			p.Detail += ": there is space, but " + persist.ErrNoFiles.Error()
		}
		p.retryAfter = fullRetryAfter
	case errors.Is(err, persist.ErrUnwritable):
		p = newProblem(503, "storage-unwritable", "The disk takes nothing now", "Nothing was stored")
		if errors.Is(err, persist.ErrSilent) {
			p.Detail += ": " + persist.ErrSilent.Error()
		}
		p.retryAfter = unsavedRetryAfter
	case errors.Is(err, persist.ErrBusy):
		p = newProblem(503, "busy", "Too much waits to be written", "Nothing was stored")
		p.retryAfter = busyRetryAfter
	case errors.Is(err, persist.ErrClosed), errors.Is(err, persist.ErrFailed), errors.Is(err, ErrStopping):
		p = closingProblem()
	case errors.Is(err, ErrUnsaved):
		p = unsavedProblem()
	case errors.Is(err, persist.ErrTooLarge):
		p = newProblem(413, "too-large", "That is too much to be stored as one", "Nothing was stored: want a smaller webhook, or a smaller batch")
	}
	return p
}

// answer writes a problem as the response.
func answer(ctx *fasthttp.RequestCtx, p *problem) {
	ctx.SetUserValue(answeredKey{}, p)
	ctx.SetStatusCode(p.Status)
	ctx.SetContentType("application/problem+json")
	if p.retryAfter > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.allow != "" {
		ctx.Response.Header.Set("Allow", p.allow)
	}
	ctx.SetBody(encode(p))
}

// encode returns v's JSON. HTML's characters stand as they are: nothing here is ever sent as HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // the types here have no field that JSON cannot carry
		panic(fmt.Sprintf("front: encoding %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
