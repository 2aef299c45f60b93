package front_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// socket opens the door on a TCP socket and connects to it.
func (d *door) socket(t *testing.T) (dial func() net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.front.Serve(ln) }() // the door's shutdown ends it
	return func() net.Conn {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
}

// says writes to a connection, whatever becomes of it, and returns the one answer.
func says(t *testing.T, conn net.Conn, text string) *response {
	t.Helper()
	go func() { _, _ = io.WriteString(conn, text) }()
	all := readResponses(conn, 1)
	if len(all) != 1 {
		t.Fatalf("no answer to %.200q", text)
	}
	return all[0]
}

// TestBodiesTogetherAreBounded: what waits for its rest counts whole, and is given back however it ends.
func TestBodiesTogetherAreBounded(t *testing.T) {
	d := open(t, func(s *front.Settings) { s.Bodies = 100 << 10 })
	dial := d.socket(t)
	large := `{"url":"https://a.example/","body":"` + strings.Repeat("a", 60<<10) + `"}`
	head := fmt.Sprintf("POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(large))
	var first net.Conn
	var answered chan *response // to first
	begin := func() {
		first, answered = dial(), make(chan *response, 1)
		if _, err := io.WriteString(first, head+large[:20<<10]); err != nil {
			t.Fatal(err)
		}
		go func(cn net.Conn, to chan<- *response) {
			for _, r := range readResponses(cn, 1) {
				to <- r
			}
			close(to)
		}(first, answered)
	}
	begin()
	// The first is certainly being read when the second is refused; it may be the one that found no room before.
	var refused *response
	for refused == nil || refused.StatusCode == 202 {
		refused = says(t, dial(), head+large)
		select {
		case <-answered:
			begin()
			refused = nil
		default:
		}
	}
	wantProblem(t, refused, 503, "busy")
	if refused.Header.Get("Retry-After") == "" || !refused.Close {
		t.Errorf("refused with %v", refused.Header)
	}
	chunked := "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
	wantProblem(t, says(t, dial(), chunked+fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(large), large)), 503, "busy")
	if r := says(t, dial(), strings.ReplaceAll(head, fmt.Sprint(len(large)), fmt.Sprint(len(plain)))+plain); r.StatusCode != 202 {
		t.Errorf("a small one beside it: %d %s", r.StatusCode, r.body)
	}
	if _, err := io.WriteString(first, large[20<<10:]); err != nil {
		t.Fatal(err)
	}
	if r := <-answered; r == nil || r.StatusCode != 202 {
		t.Errorf("the first, when its rest has come: %+v", r)
	}
	for n := range 5 {
		cut := dial()
		if _, err := io.WriteString(cut, head+"{"); err != nil {
			t.Fatal(err)
		}
		_ = cut.(*net.TCPConn).CloseWrite()
		if all := readResponses(cut, 1); len(all) == 1 && all[0].StatusCode != 400 && all[0].StatusCode != 503 {
			t.Errorf("%d: a body that breaks off: %d", n, all[0].StatusCode)
		}
	}
	if r := says(t, dial(), head+large); r.StatusCode != 202 {
		t.Errorf("after all of them: %d %s", r.StatusCode, r.body)
	}
	if r := says(t, dial(), chunked+fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(large), large)); r.StatusCode != 202 {
		t.Errorf("in chunks: %d %s", r.StatusCode, r.body)
	}
}

// TestUnreadBodiesAreNoRequests: what follows a request that was refused early must not be read as the next one.
func TestUnreadBodiesAreNoRequests(t *testing.T) {
	d := open(t, func(s *front.Settings) { s.Bodies = 16 << 10 })
	conn := d.socket(t)()
	body := strings.Repeat(smuggled, 1000)
	go func() {
		_, _ = fmt.Fprintf(conn, "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}()
	if all := readResponses(conn, 3); len(all) != 1 || all[0].StatusCode != 503 {
		t.Errorf("%d answers, want the one refusal", len(all))
	}
}

func TestOverlongRequestsAreRefusedAndTheDoorStaysOpen(t *testing.T) {
	d := open(t)
	dial := d.socket(t)
	post := func(fields, body string) string {
		return fmt.Sprintf("POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s", fields, len(body), body)
	}
	definition := func(fields string) string { return `{"url":"https://a.example/",` + fields + `}` }
	for name, tt := range map[string]struct {
		request, slug string
		status        int
	}{
		"10,000 headers":          {post(strings.Repeat("X-A: b\r\n", 10_000), plain), "headers-too-large", 431},
		"a header of 20 KiB":      {post("X-A: "+strings.Repeat("b", 20<<10)+"\r\n", plain), "headers-too-large", 431},
		"a path of 20 KiB":        {"GET /" + strings.Repeat("b", 20<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "headers-too-large", 431},
		"a length beyond 64 bits": {"POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n", "bad-request", 400},
		"a length beyond all":     {"POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n" + strings.Repeat(" ", 9000), "too-large", 413},
		"a chunk beyond all":      {"POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "bad-request", 400},
		"a chunk that is none":    {"POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "bad-request", 400},
		"10,000 levels of JSON":   {post("", definition(`"body":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000))), "invalid-definition", 400},
		"a number of a megabyte":  {post("", definition(`"body":`+strings.Repeat("9", 700<<10))), "invalid-definition", 400},
		"a name twice":            {post("", definition(`"flow":"a","flow":"b"`)), "invalid-definition", 400},
		"a name twice, escaped":   {post("", definition(`"flow":"a","fl\u006fw":"b"`)), "invalid-definition", 400},
		"invalid UTF-8":           {post("", definition("\"flow\":\"\xff\"")), "invalid-definition", 400},
		"CR LF in a header":       {post("", definition(`"headers":{"X-A":"b\r\nX-B: c"}`)), "invalid-definition", 400},
		"NUL in a header":         {post("", definition(`"headers":{"X-A":"b\u0000"}`)), "invalid-definition", 400},
		"LF in a header's name":   {post("", definition(`"headers":{"X-A\n":"b"}`)), "invalid-definition", 400},
		"CR LF in the method":     {post("", definition(`"method":"POST / HTTP/1.1\r\n"`)), "invalid-definition", 400},
		"CR LF in the URL":        {post("", `{"url":"https://a.example/\r\nX-A: b"}`), "invalid-definition", 400},
	} {
		r := says(t, dial(), tt.request)
		if r.StatusCode != tt.status || !strings.Contains(r.body, "problems/"+tt.slug) {
			t.Errorf("%s: %d %.300s, want %d %s", name, r.StatusCode, r.body, tt.status, tt.slug)
		}
	}
	if n := d.store.count(); n != 0 {
		t.Errorf("%d were stored", n)
	}
	if r := says(t, dial(), post("", plain)); r.StatusCode != 202 {
		t.Errorf("after all of them: %d", r.StatusCode)
	}
}

// TestSlowAndIdleConnectionsAreEnded in virtual time, over pipes.
func TestSlowAndIdleConnectionsAreEnded(t *testing.T) {
	for name, tt := range map[string]struct {
		sends string
		ends  time.Duration
		slug  string
	}{
		"slow headers":       {"POST /v1/webhooks HTTP/1.1\r\nHost: loc", time.Minute, "timeout"},
		"slow body":          {"POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{", time.Minute, "timeout"},
		"slow large body":    {"POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat(" ", 9000), time.Minute, "timeout"},
		"slow chunks":        {"POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", time.Minute, "timeout"},
		"an idle connection": {"GET /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n", 2 * time.Minute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openInBubble(t)
				ln := &scripts{conns: make(chan net.Conn), done: make(chan struct{})}
				served := make(chan error, 1)
				go func() { served <- d.front.Serve(ln) }()
				t.Cleanup(func() {
					_ = ln.Close()
					<-served
				})
				client, conn := net.Pipe()
				ln.conns <- conn
				began := time.Now()
				go func() { _, _ = io.WriteString(client, tt.sends) }()
				br := bufio.NewReader(client)
				res, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil || !strings.Contains(string(body), tt.slug) {
					t.Errorf("answered %s, %v", body, err)
				}
				if _, err := br.ReadByte(); err == nil {
					t.Error("something follows")
				}
				if took := time.Since(began); took < tt.ends || took > tt.ends+10*time.Second {
					t.Errorf("ended after %s, want %s", took, tt.ends)
				}
				_ = client.Close()
			})
		})
	}
}
