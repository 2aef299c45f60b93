package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// attempt makes one attempt for a webhook, on a worker's goroutine, and says what is to become of it. An expired one
// is not sent.
func (d *Dispatcher) attempt(s schedule.Start, expired bool) {
	e := ended{lane: s.Lane, end: schedule.End{ID: s.Entry.ID, Permit: s.Permit, Health: circuit.Neutral}, expired: expired}
	defer func() { d.inbox.addEnded(&e) }()

	payload, w, err := d.open(s)
	switch {
	case errors.Is(err, persist.ErrNotFound), errors.Is(err, record.ErrFormat):
		// Nothing can be sent. It ends, said aloud; its bytes, if there are any, are kept like any finished one's.
		d.set.Log.Error().Err(err).Stringer("id", s.Entry.ID).Str("host", s.Lane.Host).Msg("a stored webhook is unreadable")
		lost := &record.Webhook{Host: s.Lane.Host}
		e.settlement = d.over(&s, lost, payload, record.Failed, nil, "its stored payload is unreadable")
		return
	case err != nil:
		d.set.Log.Error().Err(err).Stringer("id", s.Entry.ID).Msg("reading a webhook failed; it is tried again")
		e.settlement = moved(&s, nil, s.Entry, time.Now().Add(time.Second))
		return
	case expired:
		e.settlement = d.over(&s, w, payload, record.Expired, nil, "expires_at passed before it could be sent")
		return
	}

	p := d.set.Policies[w.Policy]
	if p == nil { // its policy is no longer configured
		p = d.set.Policies[policy.Default]
	}
	x := exchanges.Get().(*exchange)
	defer exchanges.Put(x)
	x.began = time.Now()
	d.set.Client.Do(&egress.Request{
		Method: w.Method, URL: w.URL, Headers: identified(w.Headers, p.Identity, s.Entry.ID), Body: w.Body,
		Connect: p.ConnectTimeout, Timeout: p.Timeout,
	}, &x.resp)
	x.ended = time.Now()
	if x.resp.Class == policy.ClassCanceled { // broken off here: it stays as it was
		return
	}
	x.read(d.set.Override(s.Lane.Host))
	outcome := p.Classify(policy.Attempt{
		Status: x.resp.Status, Class: x.resp.Class,
		HasRetryAfter: x.hint.HasRetryAfter, RemainingZero: exhausted(&x.hint),
	})
	e.end.Seen = limiter.Observation{
		Sent: x.resp.Sent, Received: x.ended, Status: x.resp.Status,
		Failed: x.resp.Class != "", TimedOut: x.resp.TimedOut, Hint: x.said(),
	}
	e.end.Health = health(&x.resp, outcome)
	e.settlement = d.judge(&s, w, payload, p, x, outcome)
}

// exchange is what one attempt needs and the next one uses again.
type exchange struct {
	began, ended time.Time
	resp         egress.Response
	reader       limiter.Reader
	hint         limiter.Hint
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// read reads what the response says of limits into hint.
func (x *exchange) read(o *limiter.Override) {
	x.hint = limiter.Hint{}
	if x.resp.Class != "" {
		return
	}
	x.reader.Use(o)
	x.reader.Reset(x.resp.Status, x.resp.Sent, x.resp.Received)
	x.resp.VisitAll(x.reader.Field)
	x.reader.Body(x.resp.Body)
	x.reader.Hint(&x.hint)
}

// said is the hint for whoever outlives the exchange; nil when the response said nothing.
func (x *exchange) said() *limiter.Hint {
	if h := &x.hint; h.N == 0 && !h.HasRetryAfter && !h.Concurrency && h.Rate == 0 {
		return nil
	}
	h := x.hint
	return &h
}

func (d *Dispatcher) open(s schedule.Start) (payload []byte, w *record.Webhook, err error) {
	payload = s.Content.Payload
	if payload != nil && s.Content.Webhook != nil {
		return payload, s.Content.Webhook, nil
	}
	if payload == nil {
		if payload, err = d.set.Store.Payload(context.Background(), s.Entry.ID); err != nil {
			return nil, nil, err
		}
	}
	w, err = record.DecodeWebhook(payload)
	return payload, w, err
}

// judge turns an attempt into what is written of it: the webhook is over, or it is tried again at an instant.
func (d *Dispatcher) judge(s *schedule.Start, w *record.Webhook, payload []byte, p *policy.Policy, x *exchange,
	outcome policy.Outcome,
) *persist.Settlement {
	took := x.ended.Sub(x.began)
	a := recordOf(x, outcome, s.Entry.Attempts()+1)
	label := d.set.HostLabel(s.Lane.Host)
	d.metrics.attempts.WithLabelValues(label, string(outcome)).Inc()
	d.metrics.duration.WithLabelValues(label).Observe(took.Seconds())

	next := s.Entry
	next.Trying = addMs(next.Trying, took)
	if outcome == policy.Throttled {
		next.Throttled = addOne(next.Throttled)
	} else {
		next.Tries = addOne(next.Tries)
	}
	over := *s
	over.Entry = next
	switch outcome {
	case policy.Delivered:
		return d.over(&over, w, payload, record.Delivered, a, "")
	case policy.Failed:
		return d.over(&over, w, payload, record.Failed, a, "")
	}
	spent := policy.Spent{
		Tries: int(next.Tries), Throttled: int(next.Throttled),
		Trying: ms(next.Trying), Deferred: ms(next.Deferred),
	}
	var wait time.Duration
	if x.hint.HasRetryAfter {
		wait = x.hint.RetryAfter
	}
	delay, giveUp := p.Next(spent, outcome, x.resp.Class, wait, rand.Float64())
	if giveUp != "" {
		return d.over(&over, w, payload, record.Failed, a, giveUp)
	}
	due := x.ended.Add(delay)
	if next.Expires > 0 && due.UnixMilli() >= next.Expires {
		return d.over(&over, w, payload, record.Expired, a, "expires_at comes before its next attempt could")
	}
	if outcome == policy.Throttled {
		next.Deferred = addMs(next.Deferred, delay)
	} else {
		next.Trying = addMs(next.Trying, delay)
	}
	d.set.Log.Debug().Stringer("id", s.Entry.ID).Str("host", s.Lane.Host).Int("attempt", a.N).Int("status", a.Status).
		Str("error_class", a.ErrorClass).Str("outcome", a.Outcome).Time("next", due).Msg("webhook to be tried again")
	return moved(s, a, next, due)
}

// moved is a settlement of a webhook that stays, at another time.
func moved(s *schedule.Start, a *record.Attempt, next record.Entry, due time.Time) *persist.Settlement {
	next.Due = due.UnixMilli()
	if a != nil {
		a.NextDue = next.Due
	}
	return &persist.Settlement{
		Queue: refOf(s), Was: s.Entry.Position, ID: s.Entry.ID, Attempt: a, Next: &next,
	}
}

// over is a settlement of a webhook whose life ends.
func (d *Dispatcher) over(s *schedule.Start, w *record.Webhook, payload []byte, state record.State, a *record.Attempt,
	reason string,
) *persist.Settlement {
	now := time.Now()
	created := s.Entry.ID.Timestamp()
	d.metrics.finished.WithLabelValues(d.set.HostLabel(s.Lane.Host), string(state)).Inc()
	if state == record.Delivered {
		d.metrics.latency.Observe(now.Sub(created).Seconds())
	} else if l := d.set.Log.Warn(); l.Enabled() {
		l.Stringer("id", s.Entry.ID).Str("host", s.Lane.Host).Str("flow", w.Flow).Str("state", string(state)).
			Int("tries", int(s.Entry.Tries)).Str("reason", reason).Int("status", statusOf(a)).Msg("webhook ended undelivered")
	}
	return &persist.Settlement{
		Queue: refOf(s), Was: s.Entry.Position, ID: s.Entry.ID, Attempt: a, Payload: payload,
		Final: &record.Final{
			ID: s.Entry.ID, State: state, Method: w.Method, URL: d.set.ShowURL(s.Lane.Host, w.URL), Host: s.Lane.Host,
			Tenant: w.Tenant, Flow: w.Flow, Priority: w.Priority, Policy: w.Policy, Type: w.Type, Metadata: w.Metadata,
			CreatedAt: created.UnixMilli(), FinishedAt: now.UnixMilli(), Expires: s.Entry.Expires,
			Tries: int(s.Entry.Tries), Throttled: int(s.Entry.Throttled), Reason: reason,
		},
	}
}

func refOf(s *schedule.Start) persist.QueueRef {
	return persist.QueueRef{Part: record.PartOf(s.Lane.Host), ID: s.Queue}
}

func statusOf(a *record.Attempt) int {
	if a == nil {
		return 0
	}
	return a.Status
}

// identified adds the identity header, unless the caller wrote one of that name.
func identified(headers []record.Header, name string, id record.ID) []record.Header {
	if name == "" {
		return headers
	}
	for i := range headers {
		if strings.EqualFold(headers[i].Name, name) {
			return headers
		}
	}
	return append(headers[:len(headers):len(headers)], record.Header{Name: name, Value: id.String()})
}

// health is what an attempt says about its host: connect errors, time-outs and 5xx count against it, what the
// destination deferred does not count at all, and a kept connection that broke is ambiguous.
func health(resp *egress.Response, outcome policy.Outcome) circuit.Result {
	switch {
	case outcome == policy.Throttled,
		resp.Class == policy.ClassBlocked, resp.Class == policy.ClassCanceled,
		resp.Class == policy.ClassReset && resp.Reused:
		return circuit.Neutral
	case resp.Class != "" || resp.Status >= 500:
		return circuit.Failure
	}
	return circuit.Success
}

// exhausted reports whether the response says that nothing remains of a limit.
func exhausted(h *limiter.Hint) bool {
	w := h.Binding()
	return w != nil && w.Remaining == 0
}

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

func ms(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }

// addMs adds a duration to a count of milliseconds that stays at its greatest value rather than wrap: 49 days.
func addMs(n uint32, d time.Duration) uint32 {
	return uint32(min(int64(n)+max(0, d.Milliseconds()), math.MaxUint32)) //nolint:gosec // bounded on both sides
}

func addOne(n uint16) uint16 {
	if n == math.MaxUint16 {
		return n
	}
	return n + 1
}
