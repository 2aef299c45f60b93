package front

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// shown is a webhook as the API shows it: every field always there, credentials masked.
type shown struct {
	ID       string            `json:"id"`
	State    record.State      `json:"state"`
	Method   string            `json:"method"`
	URL      string            `json:"url"`
	Host     string            `json:"host"`
	Tenant   string            `json:"tenant"`
	Flow     string            `json:"flow"`
	Priority string            `json:"priority"`
	Type     string            `json:"type"`
	Metadata map[string]string `json:"metadata"`
	Policy   string            `json:"policy"`
	// Of a delivery of an event, and of a webhook that repeats another.
	Subscription string `json:"subscription,omitempty"`
	Event        string `json:"event,omitempty"`
	Replays      string `json:"replays,omitempty"`

	CreatedAt Instant        `json:"created_at"`
	UpdatedAt Instant        `json:"updated_at"`
	DueAt     Instant        `json:"due_at"`     // null when it is over
	ExpiresAt Instant        `json:"expires_at"` // null: never
	Tries     shownTries     `json:"tries"`
	Waiting   *shownWaiting  `json:"waiting"`
	Reason    string         `json:"reason,omitempty"`      // why it is over where no attempt tells
	Trace     string         `json:"traceparent,omitempty"` // of the request that brought it
	Attempts  []shownAttempt `json:"attempts"`
	// Deliveries are where the event went that the webhook belongs to, itself among them; of a webhook that is shown alone.
	Deliveries []shownState `json:"deliveries,omitempty"`
	// Payload is only there when it was asked for; null when its retention has passed.
	Payload **shownPayload `json:"payload,omitempty"`
}

type shownTries struct {
	Used      int `json:"used"`
	Max       int `json:"max"` // 0: its policy is not configured any more
	Throttled int `json:"throttled"`
}

type shownAttempt struct {
	N               int               `json:"n"`
	At              Instant           `json:"at"`
	DurationMs      int64             `json:"duration_ms"`
	Status          *int              `json:"status"`
	Outcome         string            `json:"outcome"`
	ErrorClass      *string           `json:"error_class"`
	Error           string            `json:"error,omitempty"`
	TimedOut        bool              `json:"timed_out"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    string            `json:"response_body"`
}

// shownPayload is what is sent, but for masked credentials. Exactly one of Body and BodyBase64 is set when there is a
// body.
type shownPayload struct {
	Headers    [][2]string `json:"headers"`
	Body       *string     `json:"body"`
	BodyBase64 []byte      `json:"body_base64,omitempty"` // of a body that is not text
	SendAt     Instant     `json:"send_at"`
	Variation  string      `json:"message_variation_id,omitempty"`
}

// webhook answers GET /v1/webhooks/{id}.
func (f *Front) webhook(ctx *fasthttp.RequestCtx, by *principal, text string) {
	id, err := record.ParseID(text)
	if err != nil {
		answer(ctx, notFoundProblem(fmt.Sprintf("%.100q is no webhook's id: want the 26 characters of a ULID", text)))
		return
	}
	include := ctx.QueryArgs().Peek("include")
	if len(include) > 0 && string(include) != "payload" {
		answer(ctx, badRequest(fmt.Sprintf("include=%.100q", include), "include=payload"))
		return
	}
	if len(include) > 0 && !by.May(ReadBody) {
		answer(ctx, forbiddenProblem(fmt.Sprintf("Token %s has the scope %s: want %s for a payload", by.Name(), by.scopes, ReadBody)))
		return
	}
	view, err := f.set.Store.Webhook(f.work, id)
	var s *shown
	if err == nil {
		s, err = f.show(id, view, len(include) > 0)
	}
	switch {
	case errors.Is(err, persist.ErrNotFound), err == nil && !by.sees(s.Tenant, s.Host, s.Flow):
		answer(ctx, notFoundProblem("No webhook has the id "+id.String()+", or its retention has passed"))
		return
	case err == nil:
		err = f.beside(by, s)
	}
	if err != nil {
		f.failed(ctx, err, "showing a webhook failed")
		return
	}
	write(ctx, s)
}

// failed answers when a question could not be answered.
func (f *Front) failed(ctx *fasthttp.RequestCtx, err error, what string) {
	p := storeProblem(err)
	if p == nil {
		f.set.Log.Error().Err(err).Str("path", shownPath(ctx)).Msg(what)
		p = internalProblem()
	}
	answer(ctx, p)
}

func write(ctx *fasthttp.RequestCtx, v any) {
	ctx.SetContentType("application/json")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBody(encode(v))
}

func (f *Front) show(id record.ID, view *persist.View, withPayload bool) (*shown, error) {
	var w *record.Webhook
	if view.Payload != nil {
		var err error
		if w, err = record.DecodeWebhook(view.Payload); err != nil {
			return nil, err
		}
	}
	s := &shown{ID: id.String(), Attempts: showAttempts(view.Attempts)}
	switch {
	case view.Final != nil:
		f.final(s, view.Final)
	case view.Entry != nil && w != nil:
		f.live(s, w, view.Entry)
		if err := f.sayWhy(s, w, view.Entry); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: webhook %s is neither live nor over", record.ErrFormat, id)
	}
	s.Tries.Max = f.maxTries(s.Policy)
	if s.Metadata == nil {
		s.Metadata = map[string]string{}
	}
	s.CreatedAt = Instant{ulid.Time(id.Time())}
	if view.Final != nil {
		s.CreatedAt = At(view.Final.CreatedAt)
	}
	s.UpdatedAt = s.CreatedAt
	if n := len(view.Attempts); n > 0 {
		s.UpdatedAt = At(view.Attempts[n-1].At + view.Attempts[n-1].DurationMs)
	}
	if view.Final != nil {
		s.UpdatedAt = At(view.Final.FinishedAt)
	}
	if withPayload {
		var p *shownPayload
		if w != nil {
			p = showPayload(w)
		}
		s.Payload = &p
	}
	return s, nil
}

func (f *Front) final(s *shown, w *record.Final) {
	s.State, s.Method, s.URL, s.Host = w.State, w.Method, f.set.ShowURL(w.Host, w.URL), w.Host
	s.Tenant, s.Flow, s.Priority, s.Type = w.Tenant, w.Flow, w.Priority.String(), w.Type
	s.Metadata, s.Policy, s.ExpiresAt, s.Reason = w.Metadata, w.Policy, At(w.Expires), w.Reason
	s.Trace = w.Trace
	s.Tries.Used, s.Tries.Throttled = w.Tries, w.Throttled
	s.origin(w.Subscription, w.Event, w.Replays)
	if len(s.Attempts) == 0 {
		s.Attempts = showAttempts(w.Attempts)
	}
}

func (f *Front) live(s *shown, w *record.Webhook, e *record.Entry) {
	s.State, s.Method, s.URL, s.Host = record.Pending, w.Method, f.set.ShowURL(w.Host, w.URL), w.Host
	s.Tenant, s.Flow, s.Priority, s.Type = w.Tenant, w.Flow, w.Priority.String(), w.Type
	s.Metadata, s.Policy, s.DueAt, s.ExpiresAt = w.Metadata, w.Policy, At(e.Due), At(e.Expires)
	s.Trace = w.Trace
	s.Tries.Used, s.Tries.Throttled = int(e.Tries), int(e.Throttled)
	s.origin(w.Subscription, w.Event, w.Replays)
}

// origin says what a webhook was made of.
func (s *shown) origin(subscription, event string, replays record.ID) {
	s.Subscription, s.Event = subscription, event
	if replays != (record.ID{}) {
		s.Replays = replays.String()
	}
}

func showAttempts(attempts []record.Attempt) []shownAttempt {
	all := make([]shownAttempt, len(attempts))
	for i := range attempts {
		a := &attempts[i]
		one := shownAttempt{
			N: a.N, At: Instant{time.UnixMilli(a.At)}, DurationMs: a.DurationMs, Outcome: a.Outcome, Error: a.Error,
			TimedOut: a.TimedOut, ResponseHeaders: map[string]string{}, ResponseBody: strings.ToValidUTF8(string(a.Body), "�"),
		}
		if a.Status != 0 {
			one.Status = &a.Status
		}
		if a.ErrorClass != "" {
			one.ErrorClass = &a.ErrorClass
		}
		for _, h := range a.Headers {
			value := webhook.MaskHeader(h.Name, h.Value)
			if strings.EqualFold(h.Name, "Location") {
				value = webhook.MaskURL(value)
			}
			if earlier, ok := one.ResponseHeaders[h.Name]; ok {
				value = earlier + ", " + value // RFC 9110 section 5.3
			}
			one.ResponseHeaders[h.Name] = value
		}
		all[i] = one
	}
	return all
}

func showPayload(w *record.Webhook) *shownPayload {
	p := &shownPayload{Headers: make([][2]string, len(w.Headers)), SendAt: At(w.SendAt), Variation: w.Variation}
	for i, h := range w.Headers {
		p.Headers[i] = [2]string{h.Name, webhook.MaskHeader(h.Name, h.Value)}
	}
	switch {
	case len(w.Body) == 0:
	case utf8.Valid(w.Body):
		body := string(w.Body)
		p.Body = &body
	default:
		p.BodyBase64 = w.Body
	}
	return p
}

// maxTries is how many tries a policy allows; 0: it is not configured any more.
func (f *Front) maxTries(name string) int {
	if p, ok := f.set.Policies()[name]; ok {
		return p.MaxTries()
	}
	return 0
}
