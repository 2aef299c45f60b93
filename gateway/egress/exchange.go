package egress

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// lastWords is how long is waited for a response when the destination stopped taking the request: one that refuses a
// large body says so and closes (RFC 9112 section 9.6).
const lastWords = time.Second

// Do makes one exchange, once, and tells in resp what became of it. It returns when the response was read or
// Request.Timeout has passed, whichever is first. Request and response must not be touched meanwhile.
func (c *Client) Do(req *Request, resp *Response) {
	began := time.Now()
	resp.reset()
	f := c.do(req, resp)
	if f == nil && req.Redirects > 0 {
		f = c.follow(req, resp, began.Add(cmp.Or(req.Timeout, DefaultTimeout)))
	}
	if f != nil {
		resp.fail(f)
	}
}

func (c *Client) do(req *Request, resp *Response) *failure {
	o, target, deadline, f := c.prepare(req)
	if f != nil {
		return f
	}
	for {
		cn, err := o.acquire(req.connectTime())
		if err != nil {
			return c.acquireFailure(o, err)
		}
		if cn.stale(resp) {
			cn.discard()
			continue
		}
		reusable, err := c.exchange(cn, req, target, resp, deadline)
		cn.giveBack(reusable)
		if err != nil {
			return c.exchangeFailure(o, resp.Reused, err)
		}
		return nil
	}
}

// prepare finds where a request goes, and until when.
func (c *Client) prepare(req *Request) (o *origin, target string, deadline time.Time, f *failure) {
	if c.ctx.Err() != nil {
		return nil, "", deadline, errCanceled
	}
	deadline = time.Now().Add(req.time())
	o, target, err := c.origin(req.URL)
	if err == nil {
		err = req.check(target)
	}
	if err != nil {
		return nil, "", deadline, &failure{class: policy.ClassBlocked, err: err}
	}
	return o, target, deadline, nil
}

// time is how long the whole attempt may take, and connectTime how long its connection.
func (r *Request) time() time.Duration {
	if r.Timeout <= 0 {
		return DefaultTimeout
	}
	return r.Timeout
}

func (r *Request) connectTime() time.Duration {
	if r.Connect <= 0 {
		return min(DefaultConnect, r.time())
	}
	return min(r.Connect, r.time())
}

// stale takes a connection into use, and reports whether the other side closed it since its last, or said something
// unasked. Seen before a request is trusted to it, that leaves the ambiguous case, a connection that drops under a request,
// to those closed in that very moment.
func (cn *conn) stale(resp *Response) bool {
	cn.take()
	resp.Reused = !cn.used.IsZero()
	return resp.Reused && cn.probe.stale()
}

// exchange sends the request and reads the response.
func (c *Client) exchange(
	cn *conn, req *Request, target string, resp *Response, deadline time.Time,
) (reusable bool, err error) {
	r := reader{cn: cn}
	defer r.release()
	sent, err := c.begin(&r, req, target, resp, deadline)
	if err != nil {
		return false, err
	}
	reusable = r.readBody(resp, req.Method, cmp.Or(req.MaxResponse, c.set.MaxResponse), deadline)
	return reusable && sent, nil
}

// begin sends the request and reads the response's head; r reads on behind it. sent: the request was sent whole.
func (c *Client) begin(r *reader, req *Request, target string, resp *Response, deadline time.Time) (sent bool, err error) {
	cn := r.cn
	resp.Sent = time.Now()
	if err := cn.SetDeadline(deadline); err != nil {
		return false, err
	}
	sendErr := c.send(cn, req, target)
	if sendErr != nil {
		if isUpload(sendErr) || isTimeout(sendErr) {
			return false, sendErr
		}
		if soon := time.Now().Add(lastWords); soon.Before(deadline) {
			deadline = soon
		}
		if err := cn.SetReadDeadline(deadline); err != nil {
			return false, sendErr
		}
	}
	r.pooled = acquireReader(cn)
	r.br = r.pooled
	if err := r.readHead(resp); err != nil {
		if sendErr != nil && !isAlert(err) {
			err = sendErr // what happened first
		}
		return false, err
	}
	resp.Received = time.Now()
	return sendErr == nil, nil
}

// send writes head and body, a small body in one write with its head. Its buffer is free again while the response is
// waited for.
func (c *Client) send(cn *conn, req *Request, target string) error {
	bw := acquireWriter(cn)
	defer releaseWriter(bw)
	// What fails is kept by the writer and returned by Flush.
	_, _ = bw.Write(req.appendHead(bw.AvailableBuffer(), cn.origin.authority, target, c.set.UserAgent))
	if req.Upload != nil {
		return req.Upload.writeTo(bw)
	}
	_, _ = bw.Write(req.Body)
	return bw.Flush()
}

// acquireFailure says what an error means that came before there was a connection.
func (c *Client) acquireFailure(o *origin, err error) *failure {
	if f := (*failure)(nil); errors.As(err, &f) {
		return f
	}
	return c.connectFailure(policy.ClassConnect, o, err)
}

// exchangeFailure says what an error means that came after the request was begun to be sent.
func (c *Client) exchangeFailure(o *origin, reused bool, err error) *failure {
	switch {
	case c.ctx.Err() != nil:
		return errCanceled
	case isUpload(err):
		return &failure{class: policy.ClassCanceled, err: err}
	case errors.Is(err, errProtocol):
		return &failure{class: policy.ClassProtocol, err: fmt.Errorf("%s: %w", o.addr, err)}
	case isTimeout(err):
		return &failure{class: policy.ClassTimeout, timedOut: true, err: fmt.Errorf("%s: no response in time", o.addr)}
	case isAlert(err):
		return &failure{class: policy.ClassTLS, err: fmt.Errorf("TLS with %s: %w", o.addr, err)}
	case errors.Is(err, io.EOF):
		err = errors.New("closed without a response")
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("closed within the response's head")
	}
	kept := ""
	if reused {
		kept = " (a kept one)"
	}
	return &failure{class: policy.ClassReset, err: fmt.Errorf("connection to %s%s: %w", o.addr, kept, err)}
}

// isUpload reports whether a request's body could not be read.
func isUpload(err error) bool {
	var u *uploadError
	return errors.As(err, &u)
}

// isAlert reports whether the other side ended TLS with an alert. In TLS 1.3 that is how it refuses our side of the
// handshake, after we took it for done: a client certificate is missing (RFC 8446 section 4.4.2.4).
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
