package egress

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// guarded are settings with a guard.
func guarded(g Guard) Settings { return Settings{Rules: Rules{Guard: g}} }

// local returns a client that may call this machine.
func local(t testing.TB, set Settings) *Client {
	t.Helper()
	set.AllowNets = append(set.AllowNets, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	c := New(set)
	t.Cleanup(c.Close)
	return c
}

func do(c *Client, req Request) *Response {
	resp := new(Response)
	c.Do(&req, resp)
	return resp
}

// server takes requests and answers with bytes.
type server struct {
	url string
	net.Listener
	mu       sync.Mutex
	conns    int
	requests []string // as received
}

// serve answers every request with the bytes that answer returns; none: it closes. Where answer closes the connection,
// that happens once they are sent.
func serve(t testing.TB, answer func(cn net.Conn, request []byte) string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{url: "http://" + l.Addr().String(), Listener: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			cn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			wg.Go(func() { s.talk(cn, answer) })
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	return s
}

// lateClose lets an answer be sent before a connection that was closed for it really closes.
type lateClose struct {
	net.Conn
	closed bool
}

func (c *lateClose) Close() error { c.closed = true; return nil }

func (s *server) talk(cn net.Conn, answer func(net.Conn, []byte) string) {
	defer cn.Close()
	br := bufio.NewReader(cn)
	for {
		request, err := readRequest(br)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, string(request))
		s.mu.Unlock()
		late := &lateClose{Conn: cn}
		text := answer(late, request)
		if _, err := cn.Write([]byte(text)); err != nil || text == "" || late.closed {
			return
		}
	}
}

// readRequest reads a request as it comes.
func readRequest(br *bufio.Reader) (request []byte, err error) {
	length := 0
	for {
		line, err := br.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		request = append(request, line...)
		if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return nil, err
			}
		}
		if len(line) == 2 {
			break
		}
	}
	body := make([]byte, length)
	_, err = io.ReadFull(br, body)
	return append(request, body...), err
}

// last is the last request's bytes.
func (s *server) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 {
		return ""
	}
	return s.requests[len(s.requests)-1]
}

// seen counts the requests that contain a text.
func (s *server) seen(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.Contains(r, text) {
			n++
		}
	}
	return n
}

func (s *server) accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}
