package egress

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// maxJoined is up to which size a body is copied behind its head, so that one write sends both.
const maxJoined = 8 << 10

// lastWords is how long is waited for a response when the destination stopped taking the request: one that refuses a
// large body says so and closes (RFC 9112 section 9.6).
const lastWords = time.Second

// Do makes one exchange, once, and tells in resp what became of it. It returns when the response was read or
// Request.Timeout has passed, whichever is first. Request and response must not be touched meanwhile.
func (c *Client) Do(req *Request, resp *Response) {
	resp.reset()
	if f := c.do(req, resp); f != nil {
		resp.fail(f)
	}
}

func (c *Client) do(req *Request, resp *Response) *failure {
	if c.ctx.Err() != nil {
		return errCanceled
	}
	timeout, connect := req.Timeout, req.Connect
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	if connect <= 0 {
		connect = DefaultConnect
	}
	began := time.Now()
	deadline := began.Add(timeout)

	o, target, err := c.origin(req.URL)
	if err != nil {
		return &failure{class: policy.ClassBlocked, err: err}
	}
	defer o.calls.Add(-1)
	buf, ok := c.buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer c.release(buf)
	if *buf, err = req.appendHead((*buf)[:0], o.authority, target, c.set.UserAgent); err != nil {
		return &failure{class: policy.ClassBlocked, err: err}
	}

	cn := c.takeKept(o)
	resp.Reused = cn != nil
	if cn == nil {
		var f *failure
		if cn, f = c.connect(o, began.Add(min(connect, timeout))); f != nil {
			return f
		}
	}
	resp.Sent = time.Now()
	reusable, err := c.exchange(cn, req, resp, buf, deadline)
	if err != nil {
		c.drop(cn)
		return c.exchangeFailure(o, resp.Reused, err)
	}
	if reusable {
		c.keep(o, cn)
	} else {
		c.drop(cn)
	}
	return nil
}

// exchange sends the request, whose head is in buf, and reads the response.
func (c *Client) exchange(
	cn *conn, req *Request, resp *Response, buf *[]byte, deadline time.Time,
) (reusable bool, err error) {
	if err := cn.SetDeadline(deadline); err != nil {
		return false, err
	}
	sendErr := send(cn, buf, req.Body)
	if sendErr != nil {
		if isTimeout(sendErr) {
			return false, sendErr
		}
		if soon := time.Now().Add(lastWords); soon.Before(deadline) {
			deadline = soon
		}
		if err := cn.SetReadDeadline(deadline); err != nil {
			return false, sendErr
		}
	}
	r, ok := c.readers.Get().(*reader)
	if !ok {
		r = newReader()
	}
	r.br.Reset(cn.Conn)
	defer func() {
		r.br.Reset(nil)
		c.readers.Put(r)
	}()
	if err := r.readHead(resp, req.Method); err != nil {
		if sendErr != nil && !isAlert(err) {
			err = sendErr // what happened first
		}
		return false, err
	}
	resp.Received = time.Now()
	reusable = r.readBody(resp, c.set.MaxResponse, cn, deadline)
	return reusable && sendErr == nil, nil
}

// send writes head and body. What is copied into buf stays small.
func send(cn *conn, buf *[]byte, body []byte) error {
	if len(body) <= maxJoined {
		*buf = append(*buf, body...)
		_, err := cn.Write(*buf)
		return err
	}
	both := net.Buffers{*buf, body}
	_, err := both.WriteTo(cn.Conn)
	return err
}

// release puts a buffer back, unless an unusually large head has made it a burden.
func (c *Client) release(buf *[]byte) {
	if cap(*buf) <= 2*maxJoined {
		c.buffers.Put(buf)
	}
}

// exchangeFailure says what an error means that came after the request was begun to be sent.
func (c *Client) exchangeFailure(o *origin, reused bool, err error) *failure {
	switch {
	case c.ctx.Err() != nil:
		return errCanceled
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

// isAlert reports whether the other side ended TLS with an alert. In TLS 1.3 that is how it refuses our side of the
// handshake, after we took it for done: a client certificate is missing (RFC 8446 section 4.4.2.4).
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
