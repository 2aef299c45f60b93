package dispatch

import (
	"context"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// tryTimeout bounds a try, for someone who looks on; policies may allow an attempt more.
const tryTimeout = 20 * time.Second

// tryPatience is how long a try waits for its lane's next token; what a destination's window withholds for longer is told.
const tryPatience = 2 * time.Second

// Try makes one attempt for a webhook that is stored nowhere, at once and on the caller's goroutine, and returns what came
// back. It is not repeated. What holds its lane back keeps it from being made, and is returned as blocked; with force only
// the guard of addresses does. A credential that it names is looked up, and once more after a 401, as for any attempt; one
// that does not work is the attempt's error, and holds nothing back. The lane's budget counts it and learns from it, the
// breaker does not. ErrStopping, or ctx's error: nothing was sent.
func (d *Dispatcher) Try(ctx context.Context, w *record.Webhook, force bool) (a *Answer, blocked *schedule.Waiting, err error) {
	p, queue := d.policyOf(w), w.Queue()
	headers, err := d.headers(p, w, ulid.Make(), time.Now())
	if err != nil {
		return nil, nil, err
	}
	for last := time.Now().Add(tryPatience); ; {
		err = d.Do(ctx, func(s *schedule.Schedule, now time.Time) { blocked = s.StartTry(now, &queue, force) })
		if err != nil {
			return nil, nil, err
		}
		if blocked == nil {
			break
		}
		if blocked.Reason != schedule.Limit || blocked.Until.IsZero() || blocked.Until.After(last) {
			return nil, blocked, nil
		}
		select { // the lane's pace: its next call is not far
		case <-time.After(time.Until(blocked.Until)):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	x := &exchange{began: time.Now()}
	var withheld error
	outcome := policy.Retry
	defer func() {
		d.count(queue.Lane.Host, outcome, time.Since(x.began))
		seen := x.observation()
		if withheld != nil { // as if it had never been made
			seen = limiter.Observation{Sent: x.resp.Sent, Received: x.ended, Status: x.resp.Status}
		}
		// Whatever ctx and the client think by now, the budget is to hear of it.
		_ = d.Do(context.WithoutCancel(ctx), func(s *schedule.Schedule, now time.Time) { s.EndTry(now, queue.Lane, seen) })
	}()
	withheld = d.send(&egress.Request{
		Method: w.Method, URL: w.URL, Headers: headers, Body: w.Body,
		Connect: p.ConnectTimeout, Timeout: min(p.Timeout, tryTimeout), Redirects: p.Redirects, MaxResponse: MaxWaitedBody,
	}, w, queue.Lane.Host, x)
	x.ended = time.Now()
	if withheld != nil {
		outcome = policy.Throttled
		a = &Answer{Attempt: withheldRecord(x, withheld, 1)}
	} else {
		x.read(d.set.Override(w.Host))
		outcome = p.Classify(x.attempt())
		a = &Answer{Attempt: recordOf(x, outcome, 1)}
	}
	a.Body, a.Truncated = x.resp.Body, x.resp.Truncated
	x.resp.VisitAll(func(name, value []byte) {
		a.Headers = append(a.Headers, record.Header{Name: string(name), Value: string(value)})
	})
	return a, nil, nil
}
