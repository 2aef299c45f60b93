package server

import (
	"crypto/sha256"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// statsPath answers what was counted; asking is not counted.
const statsPath = "/_stats"

// identity is the Standard Webhooks field by which a receiver knows a webhook it has seen.
const identity = "webhook-id"

func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	if ctx.IsGet() && string(ctx.Path()) == statsPath {
		ctx.SetContentType("application/json")
		ctx.SetBody(s.Stats().appendJSON(nil))
		return
	}
	d := s.decide(ctx)
	s.hold(s.latency + d.delay)
	if d.spent {
		s.done()
	}
	ctx.SetStatusCode(d.status)
	// Field names go out as their dialects spell them: RateLimit-Limit, not Ratelimit-Limit.
	ctx.Response.Header.DisableNormalizing()
	for _, field := range d.fields {
		ctx.Response.Header.Set(field.Name, field.Value)
	}
}

// decision is what a call gets for an answer.
type decision struct {
	status int
	fields []destination.Header
	spent  bool // the limiter counts the call as unanswered until it is told otherwise
	delay  time.Duration
}

// decide judges a call, counts it and writes it down. Instants are taken under the lock, so that the limiter, the
// tally and the log see one order of calls.
func (s *Server) decide(ctx *fasthttp.RequestCtx) decision {
	c := s.read(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	d := s.judge(now)
	s.tally.count(now, d.status, d.outcome, c.key)
	if s.log != nil {
		s.log.add(now, &c, d.status)
	}
	return d.decision
}

type judgement struct {
	decision
	outcome outcome
}

func (s *Server) judge(now time.Time) judgement {
	failing := s.failFor > 0 && (s.tally.received == 0 || now.Sub(s.tally.firstAt) < s.failFor)
	status := s.status
	if s.failFor > 0 && !failing {
		status = fasthttp.StatusOK
	}
	j := judgement{decision: decision{status: status}, outcome: failed}
	if status < 300 {
		j.outcome = accepted
	}
	if s.limiter == nil {
		return j
	}
	var v destination.Verdict
	if failing {
		v = s.limiter.Peek(now)
		v.OK = true // a refusal it is not: no Retry-After
	} else if v = s.limiter.Allow(now); v.OK {
		j.spent, j.delay = true, v.Delay
	} else {
		j.status, j.outcome = fasthttp.StatusTooManyRequests, refused
	}
	j.fields = s.headers.Append(nil, v, now)
	return j
}

func (s *Server) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limiter.Done(time.Now())
}

// hold keeps a response back for its latency, and for its turn where calls queue.
func (s *Server) hold(latency time.Duration) {
	if latency <= 0 {
		return
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
	}
}

// call is what is kept of a request. Its strings and slices are valid only while the request is handled.
type call struct {
	id     []byte // webhook-id; empty: it has none
	method []byte
	target []byte // path and query as they were sent
	size   int
	sum    [sha256.Size]byte // of the body; computed only where the log or the key needs it
	key    key
}

// key tells webhooks apart: half a digest of the webhook-id or, without one, of method, target and body.
type key [16]byte

func (s *Server) read(ctx *fasthttp.RequestCtx) call {
	body := ctx.Request.Body()
	c := call{
		id:     ctx.Request.Header.Peek(identity),
		method: ctx.Method(),
		target: ctx.RequestURI(),
		size:   len(body),
	}
	if len(c.id) == 0 || s.log != nil {
		c.sum = sha256.Sum256(body)
	}
	var room [256]byte
	var text []byte
	if len(c.id) > 0 {
		text = append(append(room[:0], "id\n"...), c.id...)
	} else {
		text = append(append(room[:0], "call\n"...), c.method...)
		text = append(append(append(text, '\n'), c.target...), '\n')
		text = append(text, c.sum[:]...)
	}
	sum := sha256.Sum256(text)
	c.key = key(sum[:len(c.key)])
	return c
}
