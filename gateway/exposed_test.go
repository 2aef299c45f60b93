package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

// trap is a listener on loopback, of IPv4 and IPv6, that counts whoever connects and answers 200.
type trap struct {
	port   int
	caught atomic.Int64
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	c := new(trap)
	ln, err := net.Listen("tcp", ":0") // the port is to be free in both families
	if err != nil {
		t.Fatal(err)
	}
	c.port = ln.Addr().(*net.TCPAddr).Port
	_ = ln.Close()
	for _, host := range []string{"127.0.0.1", "::1"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(c.port)))
		if err != nil {
			continue // a machine without IPv6
		}
		server := &http.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "trapped") }),
			ConnState: func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					c.caught.Add(1)
				}
			},
		}
		go func() { _ = server.Serve(ln) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	return c
}

// at puts the port of the trap into a form.
func (c *trap) at(form string) string { return strings.ReplaceAll(form, "$", fmt.Sprint(c.port)) }

// exposed is a gateway on real sockets, with tokens t0, t1, … that may do everything.
type exposed struct {
	t     *testing.T
	front string
	admin string
	log   *strings.Builder
	stop  func()
	turn  int
}

func expose(t *testing.T, conf configs.Config, resolver *net.Resolver) *exposed {
	t.Helper()
	e := &exposed{t: t, log: new(strings.Builder)}
	conf.Data.Dir, conf.Data.MinFree = t.TempDir(), 64*configs.MiB
	conf.Limits.Default.Start, conf.Limits.Default.Ceiling = configs.Unlimited, configs.Unlimited
	for i := range 100 { // of which each may test ten a minute
		conf.Tokens = append(conf.Tokens, tokenOf(fmt.Sprint("t", i), "", "send", "read", "admin"))
	}
	var lns [2]net.Listener
	for i := range lns {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		lns[i] = ln
	}
	e.front, e.admin = lns[0].Addr().String(), lns[1].Addr().String()
	g, err := gateway.New(gateway.Settings{
		Config: conf, Version: "test", Log: zerolog.New(zerolog.SyncWriter(e.log)), Listener: lns[0], Admin: lns[1], Resolver: resolver,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	e.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(e.stop)
	return e
}

// token is the one whose turn it is.
func (e *exposed) token() string {
	e.turn++
	return fmt.Sprint("t", e.turn/8%100)
}

// ask makes a request with a JSON body.
func (e *exposed) ask(method, path, body string) (status int, answer string) {
	e.t.Helper()
	return e.raw(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, e.token(), len(body), body))
}

// raw writes a request as it stands; a connection that is closed without an answer is status 0.
func (e *exposed) raw(request string) (status int, answer string) {
	e.t.Helper()
	cn, err := net.Dial("tcp", e.front)
	if err != nil {
		e.t.Fatal(err)
	}
	defer cn.Close()
	if _, err := io.WriteString(cn, request); err != nil {
		e.t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(cn), &http.Request{Method: method})
	if err != nil {
		return 0, ""
	}
	if method == "CONNECT" && resp.StatusCode == 200 {
		return 200, ""
	}
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

// ends waits until a webhook is shown with all of words.
func (e *exposed) ends(id string, words ...string) {
	e.t.Helper()
	var answer string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		_, answer = e.ask("GET", "/v1/webhooks/"+id, "")
		if missing := missing(answer, words); missing == "" {
			return
		}
	}
	e.t.Errorf("webhook %s is not shown with %q: %s", id, words, answer)
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
