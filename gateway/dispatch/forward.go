package dispatch

import (
	"io"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Forwarded is a call that was made for someone who waits for its answer. It must be closed, once its body is read.
type Forwarded struct {
	Resp *egress.Response // its head, or why there is none
	Body *egress.Stream   // nil: there is no response

	x        *exchange
	pass     pass
	seen     limiter.Observation
	deferred bool
}

// Forward makes one call for a webhook that is stored nowhere, on the caller's goroutine, once its lane's turn for it has
// come, for which it waits as long as patience at most: *Delayed or ErrUnsettled then, ErrStopping, or ErrCrowded. The budget and
// the breaker learn from it as from any attempt. It is never repeated. An upload (nil: there is none) is read, instead of the
// webhook's body, once the turn has come; trailers says that the fields behind the response's body are wanted.
func (d *Dispatcher) Forward(w *record.Webhook, u *egress.Upload, trailers bool, patience time.Duration) (*Forwarded, error) {
	queue := w.Queue()
	f := new(Forwarded)
	if err := d.pass(&f.pass, patience, &queue); err != nil {
		return nil, err
	}
	began, made := time.Now(), false
	defer func() {
		if !made { // a panic: nobody gets what they could close
			f.breakOff()
			d.count(w.Host, policy.Retry, time.Since(began))
		}
	}()
	p := d.policyOf(w)
	x := exchanges.Get().(*exchange) //nolint:forcetypeassert // nothing else is put there
	f.x, f.Resp = x, &x.resp
	x.began = began
	f.Body = d.set.Client.Open(&egress.Request{
		Method: w.Method, URL: w.URL, Headers: w.Headers, Body: w.Body, Upload: u, Trailers: trailers, AsWritten: true,
		Connect: p.ConnectTimeout, Timeout: p.Timeout,
	}, &x.resp)
	x.ended = time.Now()
	x.read(d.set.Override(w.Host))
	outcome := p.Classify(x.attempt())
	f.seen = x.observation()
	f.deferred = outcome == policy.Throttled
	d.count(w.Host, outcome, x.ended.Sub(x.began))
	made = true
	return f, nil
}

// breakOff ends a call that failed within Sluice: its place and its connection are free, and nobody learns from it. What it was
// made with is in no state to be used again.
func (f *Forwarded) breakOff() {
	defer f.pass.end(limiter.Observation{Received: time.Now(), Failed: true}, circuit.Neutral)
	if f.Body != nil {
		_ = f.Body.Close()
	}
	f.x, f.Resp, f.Body = nil, nil, nil
}

// Read reads of the body.
func (f *Forwarded) Read(p []byte) (int, error) {
	if f.Body == nil {
		return 0, io.EOF
	}
	return f.Body.Read(p)
}

// VisitTrailer calls visit for every field behind the body, once it was read to its end.
func (f *Forwarded) VisitTrailer(visit func(name, value []byte)) {
	if f.Body != nil {
		f.Body.VisitTrailer(visit)
	}
}

// Close ends the call: its place in the lane is free. Resp must not be looked at any more.
func (f *Forwarded) Close() error {
	if f.x == nil {
		return nil
	}
	if f.Body != nil {
		_ = f.Body.Close()
	}
	outcome := policy.Delivered
	if f.deferred {
		outcome = policy.Throttled
	}
	f.pass.end(f.seen, f.pass.d.health(f.pass.start.Lane.Host, &f.x.resp, outcome))
	exchanges.Put(f.x)
	f.x, f.Resp, f.Body = nil, nil, nil
	return nil
}
