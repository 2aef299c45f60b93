package front_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
)

func forbidMetadata(s *front.Settings) {
	s.Destination = func(host string, _ uint16) error {
		if host == "169.254.169.254" {
			return errors.New("169.254.169.254 is a link-local address (RFC 3927), which is not called")
		}
		return nil
	}
}

// FuzzRequest sends any bytes over a connection and holds what comes back, and what was stored, against the promises:
// every answer is one the API knows, nothing panics, and what was stored was asked for.
func FuzzRequest(f *testing.F) {
	head := "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\n"
	f.Add([]byte(head + "Content-Length: 29\r\n\r\n{\"url\":\"https://a.example/b\"}"))
	f.Add([]byte(head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled))
	f.Add([]byte(head + "Content-Type: application/x-ndjson\r\nContent-Length: 23\r\n\r\n{\"url\":\"http://a\"}\n{}\n\n\n"))
	f.Add([]byte(head + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte(smuggled + smuggled))
	f.Add([]byte("GET /v1/webhooks/01KG9P6JE00000000000000000?include=payload HTTP/1.1\r\nHost: [::1]:1\r\n\r\n"))
	f.Add([]byte("OPTIONS * HTTP/1.0\r\n\r\n"))
	d := open(f)
	ln := &scripts{conns: make(chan net.Conn), done: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- d.front.Serve(ln) }()
	f.Cleanup(func() {
		_ = ln.Close()
		<-served
	})
	f.Fuzz(func(t *testing.T, request []byte) {
		conn := &script{in: bytes.NewReader(request), closed: make(chan struct{})}
		before := d.store.count()
		ln.conns <- conn
		<-conn.closed
		out := bufio.NewReader(&conn.out)
		for {
			if _, err := out.Peek(1); err != nil {
				break
			}
			res, err := http.ReadResponse(out, nil)
			if err != nil {
				t.Fatalf("the answer is no HTTP: %v", err)
			}
			switch res.StatusCode {
			case 100, 200, 202, 207, 400, 403, 404, 405, 408, 413, 415, 421, 422, 431:
			default:
				t.Errorf("answered %d", res.StatusCode)
			}
			if bytes.Contains(request, []byte("HEAD")) {
				break // its answer's length is of a body that does not follow
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Errorf("the answer is cut short: %v", err)
			}
		}
		if d.store.count() != before && !bytes.Contains(request, []byte("url")) && !bytes.Contains(request, []byte("\\u")) {
			t.Error("something was stored that names no URL")
		}
	})
}

// scripts is a listener of scripted connections.
type scripts struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *scripts) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, io.EOF
	}
}

func (l *scripts) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *scripts) Addr() net.Addr { return &net.TCPAddr{} }

// script is a connection whose client has sent all it will send.
type script struct {
	in     *bytes.Reader
	out    bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func (c *script) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *script) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }
func (c *script) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}
