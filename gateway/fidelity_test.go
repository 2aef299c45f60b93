package gateway_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"
)

// raw adds a destination that keeps the bytes it is sent and answers 200 once a request has so many.
func (w *world) raw(addr string, wanted int) (got func() string) {
	p := &place{ln: fasthttputil.NewInmemoryListener()}
	p.shutdown = p.ln.Close
	w.servers[addr] = p
	taken := make(chan string, 1)
	go func() {
		conn, err := p.ln.Accept()
		if err != nil {
			return
		}
		request := make([]byte, wanted)
		n, _ := io.ReadFull(conn, request)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_ = conn.Close()
		taken <- string(request[:n])
	}()
	return func() string { return <-taken }
}

// TestTheDestinationGetsWhatTheCallerWroteByteForByte, from the front door to the socket.
func TestTheDestinationGetsWhatTheCallerWroteByteForByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		body := "{ \"b\" : 1,\t\"a\" : [\"\u00e4\", \"\\u00e4\", 1.0, 1e2] }"
		want := strings.Join([]string{
			"PUT /a%2Fb/%7euser//c;v=1/../d?q=a+b&q=a%20b&empty=&&x=%c3%A4&flag HTTP/1.1", "Host: raw.example:80",
			"X-Z: last first", "x-lower: a", "X-UPPER: B", "x-LOWER: again", "Content-Type: application/json; charset=UTF-8", "Cookie: a=b; c=d",
			"User-Agent: Sluice/test", fmt.Sprintf("Content-Length: %d", len(body)), "", body,
		}, "\r\n")
		got := w.raw("raw.example:80", len(want))
		w.start()
		definition := `{"url":"http://raw.example:80/a%2Fb/%7euser//c;v=1/../d?q=a+b&q=a%20b&empty=&&x=%c3%A4&flag","method":"PUT",` +
			`"headers":[["X-Z","last first"],["x-lower","a"],["X-UPPER","B"],["x-LOWER","again"],` +
			`["Content-Type","application/json; charset=UTF-8"],["Cookie","a=b; c=d"]],"body":` + body + `}`
		if status, text := w.ask("POST", "/v1/webhooks", "application/json", []byte(definition)); status != 202 {
			t.Fatalf("%d: %s", status, text)
		}
		time.Sleep(time.Second)
		if sent := got(); sent != want {
			t.Errorf("the destination got\n%q\nwant\n%q", sent, want)
		}
		w.close()
	})
}
