package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/sluice-gateway/sluice/configs"
)

// told writes a request's bytes to a listener and returns status and body of the answer.
func told(t *testing.T, dial func() (net.Conn, error), request string) (status int, body string) {
	t.Helper()
	cn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer cn.Close()
	go func() { _, _ = io.WriteString(cn, request) }()
	resp, err := http.ReadResponse(bufio.NewReader(cn), nil)
	if err != nil {
		t.Fatalf("%.200q: %v", request, err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestPagesOfOtherSitesSeeAndDoNothingOnLoopback is about both listeners, of which neither asks for a token there.
func TestPagesOfOtherSitesSeeAndDoNothingOnLoopback(t *testing.T) {
	conf := configs.Default()
	conf.Names = []string{"sluice.internal"}
	front, admin := fasthttputil.NewInmemoryListener(), fasthttputil.NewInmemoryListener()
	defer openDoors(t, conf, front, admin)()
	const (
		cross   = "Sec-Fetch-Site: cross-site\r\n"
		picture = cross + "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n"
		frame   = cross + "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"
		link    = cross + "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
		own     = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
	)
	for _, tt := range []struct {
		host, fields string
		status       int
	}{
		{"localhost:8481", "", 200},
		{"LocalHost.", "", 200},
		{"127.0.0.1:8481", "", 200},
		{"127.8.8.8", "", 200},
		{"[::1]:8481", "", 200},
		{"[::ffff:127.0.0.1]:8481", "", 200},
		{"sluice.internal:8481", "", 200},
		{"SLUICE.internal", "", 200},
		{"evil.example", "", 421},
		{"evil.example:8481", own, 421},
		{"sluice.internal.evil.example", "", 421},
		{"localhost.evil.example:8481", "", 421},
		{"127.0.0.1.evil.example:8481", "", 421},
		{"192.0.2.7:8481", "", 421},
		{"0.0.0.0:8481", "", 421},
		{"[::]:8481", "", 421},
		{"[2001:db8::1]:8481", "", 421},
		{"127.1:8481", "", 421},
		{"localhost:8481", own, 200},
		{"localhost:8481", cross, 403},
		{"localhost:8481", picture, 403},
		{"localhost:8481", frame, 403},
		{"localhost:8481", "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n", 403},
	} {
		for _, path := range []string{"/metrics", "/debug/pprof/", "/healthz"} {
			request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, tt.host, tt.fields)
			if status, body := told(t, admin.Dial, request); status != tt.status {
				t.Errorf("admin, %s of %s, %q: %d %.200s, want %d", path, tt.host, tt.fields, status, body, tt.status)
			}
		}
		for _, method := range []string{"GET", "POST"} {
			request := fmt.Sprintf("%s /v1/hosts HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, tt.host, tt.fields)
			want := tt.status
			if want == 200 && method == "POST" {
				want = 405
			}
			if status, body := told(t, front.Dial, request); status != want {
				t.Errorf("front door, %s to %s, %q: %d %.200s, want %d", method, tt.host, tt.fields, status, body, want)
			}
		}
	}
	if status, _ := told(t, admin.Dial, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"+link+"\r\n"); status != 200 {
		t.Errorf("a link to the admin side: %d", status)
	}
	for name, fields := range map[string]string{
		"another origin": "Origin: https://evil.example\r\n", "a sandbox": "Origin: null\r\n", "a form": link, "another port": "Origin: http://localhost:1\r\n",
	} {
		for _, path := range []string{"/reload", "/signing-keys/rotate"} {
			status, body := told(t, admin.Dial, "POST "+path+" HTTP/1.1\r\nHost: localhost:8481\r\n"+fields+"Content-Length: 0\r\n\r\n")
			if status != 403 || !strings.Contains(body, "problems/cross-origin") {
				t.Errorf("%s posts to %s: %d %s", name, path, status, body)
			}
		}
		const webhook = `{"url":"https://api.example.com/"}`
		status, body := told(t, front.Dial, fmt.Sprintf("POST /v1/webhooks HTTP/1.1\r\nHost: localhost:8480\r\n%sContent-Length: %d\r\n\r\n%s", fields, len(webhook), webhook))
		if status != 403 || !strings.Contains(body, "problems/cross-origin") {
			t.Errorf("%s posts a webhook: %d %s", name, status, body)
		}
	}
}
