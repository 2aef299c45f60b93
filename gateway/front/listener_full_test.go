package front_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// TestWhoShakesNoHandsKeepsNobodyFromBeingToldThatThereAreTooMany: the answer stands behind a handshake.
func TestWhoShakesNoHandsKeepsNobodyFromBeingToldThatThereAreTooMany(t *testing.T) {
	own := httptest.NewTLSServer(nil)
	own.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, func(s *front.Settings) { s.MaxConns = 1 })
	go func() { _ = d.front.Serve(tls.NewListener(ln, &tls.Config{Certificates: own.TLS.Certificates})) }() // the door's shutdown ends it
	const ask = "GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"
	speak := func() *response {
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return says(t, conn, ask)
	}
	if r := speak(); r.StatusCode != 200 {
		t.Fatalf("the first is answered with %d", r.StatusCode)
	}
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	wantProblem(t, speak(), 503, "too-many-connections")
}

func TestAConnectionTooManyIsToldSoAsAProblem(t *testing.T) {
	d := open(t, func(s *front.Settings) { s.MaxConns = 2 })
	dial := d.socket(t)
	const ask = "GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine\r\n\r\n"
	first, second := dial(), dial()
	for _, conn := range []io.Writer{first, second} {
		if _, err := io.WriteString(conn, ask); err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range []io.Reader{first, second} {
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	dial() // says nothing, and keeps nobody out
	refused := says(t, dial(), ask)
	wantProblem(t, refused, 503, "too-many-connections")
	if refused.Header.Get("Retry-After") == "" || refused.Header.Get("X-Request-Id") != "mine" || !refused.Close {
		t.Errorf("refused with %v", refused.Header)
	}
	_ = first.Close()
	for end := time.Now().Add(10 * time.Second); says(t, dial(), ask).StatusCode != 200; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a connection that was closed makes no room")
		}
	}
}
