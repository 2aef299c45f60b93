package front_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// smuggled is what a careless server would answer as a second request.
const smuggled = "GET /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n"

func TestAmbiguousRequestsAreRefusedAndTheirConnectionClosed(t *testing.T) {
	post := func(fields, body string) string {
		return "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body
	}
	d := open(t)
	for name, request := range map[string]string{
		"Content-Length and Transfer-Encoding": post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled),
		"the same the other way round":         post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"+smuggled),
		"the same in lower case":               post("transfer-encoding: chunked\r\ncontent-length: 0\r\n", "0\r\n\r\n"+smuggled),
		"two Content-Length":                   post("Content-Length: 0\r\nContent-Length: 4\r\n", smuggled),
		"two equal Content-Length":             post("Content-Length: 0\r\nContent-Length: 0\r\n", smuggled),
		"a signed Content-Length":              post("Content-Length: +0\r\n", smuggled),
		"a list in Content-Length":             post("Content-Length: 0, 0\r\n", smuggled),
		"a hexadecimal Content-Length":         post("Content-Length: 0x0\r\n", smuggled),
		"an unknown Transfer-Encoding":         post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"+smuggled),
		"a disguised Transfer-Encoding":        post("Transfer-Encoding: xchunked\r\n", smuggled),
		"a tab in Transfer-Encoding":           post("Transfer-Encoding:\tchunked\r\nContent-Length: 0\r\n", "0\r\n\r\n"+smuggled),
		"two Transfer-Encoding":                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled),
		"Transfer-Encoding in HTTP/1.0":        "POST /v1/webhooks HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"obs-fold":                             post("X-A: b\r\n c\r\nContent-Length: 0\r\n", smuggled),
		"obs-fold with a tab":                  post("X-A: b\r\n\tContent-Length: 4\r\n", smuggled),
		"obs-fold of the first field":          "POST /v1/webhooks HTTP/1.1\r\n Host: localhost\r\n\r\n" + smuggled,
		"a space before the colon":             post("Content-Length : 0\r\n", smuggled),
		"a space in a name":                    post("X A: b\r\n", smuggled),
		"no name":                              post(": b\r\n", smuggled),
		"no colon":                             post("Content-Length\r\n", smuggled),
		"NUL in a value":                       post("X-A: b\x00c\r\n", smuggled),
		"CR in a value":                        post("X-A: b\rContent-Length: 4\r\n", smuggled),
		"bare LF":                              "POST /v1/webhooks HTTP/1.1\nHost: localhost\n\n" + smuggled,
		"one bare LF":                          "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nX-A: b\nX-B: c\r\n\r\n" + smuggled,
		"HTTP/1.9":                             "GET /v1/hosts HTTP/1.9\r\nHost: localhost\r\n\r\n" + smuggled,
		"HTTP/2.0":                             "GET /v1/hosts HTTP/2.0\r\nHost: localhost\r\n\r\n" + smuggled,
		"HTTP/0.9":                             "GET /v1/hosts\r\n\r\n" + smuggled,
		"http/1.1":                             "GET /v1/hosts http/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"a lower-case method":                  "get /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"an odd method":                        "BREW /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"CONNECT":                              "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n" + smuggled,
		"TRACE":                                "TRACE /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"PRI":                                  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"OPTIONS *":                            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"absolute-form with another Host":      "GET http://a.example/v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"absolute-form with user information":  "GET http://localhost@a.example/v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"absolute-form of another scheme":      "GET ftp://localhost/v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"no Host":                              "GET /v1/hosts HTTP/1.1\r\n\r\n" + smuggled,
		"two Hosts":                            "GET /v1/hosts HTTP/1.1\r\nHost: localhost\r\nHost: a.example\r\n\r\n" + smuggled,
		"two spaces in the request line":       "GET  /v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"a control character in the path":      "GET /v1/\x01hosts HTTP/1.1\r\nHost: localhost\r\n\r\n" + smuggled,
		"TLS":                                  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := d.ln.Dial()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			go func() { _, _ = io.WriteString(conn, request) }()
			all := readResponses(conn, 3) // ends when the connection does
			if len(all) != 1 {
				t.Fatalf("%d answers, want 1 and the connection closed", len(all))
			}
			wantProblem(t, all[0], 400, "bad-request")
			if !all[0].Close {
				t.Error("the answer does not say that the connection closes")
			}
			if n := len(d.store.stored(t)); n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	}
}

func TestOrdinaryRequestsPassTheGuard(t *testing.T) {
	d := open(t)
	for name, request := range map[string]string{
		"chunked":                "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"url\":\"https://a.example/hook\"}\r\n0\r\n\r\n",
		"HTTP/1.0":               fmt.Sprintf("POST /v1/webhooks HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", len(plain), plain),
		"absolute-form":          fmt.Sprintf("POST http://LOCALHOST:8480/v1/webhooks HTTP/1.1\r\nHost: localhost:8480\r\nContent-Length: %d\r\n\r\n%s", len(plain), plain),
		"an empty header value":  fmt.Sprintf("POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nX-A:\r\nContent-Length: %d\r\n\r\n%s", len(plain), plain),
		"no space behind colons": fmt.Sprintf("POST /v1/webhooks HTTP/1.1\r\nHost:localhost\r\nContent-Length:%d\r\n\r\n%s", len(plain), plain),
		"a space behind a value": fmt.Sprintf("POST /v1/webhooks HTTP/1.1\r\nHost: localhost \r\nContent-Length: %d \r\n\r\n%s", len(plain), plain),
	} {
		all := d.raw(request)
		if len(all) != 1 || all[0].StatusCode != 202 {
			t.Errorf("%s: %v", name, all)
		}
	}
}

func TestHeaderBlockIsBounded(t *testing.T) {
	d := open(t)
	if r := d.post(plain, "X-A: "+strings.Repeat("a", front.MaxHeaderBlock-1024)); r.StatusCode != 202 {
		t.Errorf("15 KiB: %d %s", r.StatusCode, r.body)
	}
	wantProblem(t, d.post(plain, "X-A: "+strings.Repeat("a", front.MaxHeaderBlock)), 431, "headers-too-large")
}

func TestOtherSitesPagesAreRefused(t *testing.T) {
	d := open(t)
	for _, tt := range []struct {
		host, field string
		status      int
	}{
		{"localhost:8480", "Sec-Fetch-Site: same-origin", 202},
		{"localhost:8480", "Sec-Fetch-Site: none", 202},
		{"localhost:8480", "Sec-Fetch-Site: cross-site", 403},
		{"localhost:8480", "Sec-Fetch-Site: same-site", 403},
		{"localhost:8480", "Origin: http://localhost:8480", 202},
		{"localhost:8480", "Origin: http://localhost:8481", 403},
		{"localhost:8480", "Origin: https://evil.example", 403},
		{"localhost:8480", "Origin: null", 403},
		{"LOCALHOST", "X-A: b", 202},
		{"127.0.0.1:8480", "X-A: b", 202},
		{"[::1]:8480", "X-A: b", 202},
		{"[::1]", "X-A: b", 202},
		{"192.0.2.7:8480", "X-A: b", 421},
		{"0.0.0.0:8480", "X-A: b", 421},
		{"evil.example", "X-A: b", 421},
		{"evil.example:8480", "Origin: http://evil.example:8480", 421},
		{"localhost.evil.example", "X-A: b", 421},
		{"127.0.0.1.evil.example", "X-A: b", 421},
		{"a:b:c", "X-A: b", 400},
	} {
		before := len(d.store.stored(t))
		all := d.raw(fmt.Sprintf("POST /v1/webhooks HTTP/1.1\r\nHost: %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s", tt.host, tt.field, len(plain), plain))
		if len(all) != 1 || all[0].StatusCode != tt.status {
			t.Errorf("Host %s, %s: %+v, want %d", tt.host, tt.field, all[0], tt.status)
			continue
		}
		if stored := len(d.store.stored(t)) - before; (stored == 1) != (tt.status == 202) {
			t.Errorf("Host %s, %s: %d stored", tt.host, tt.field, stored)
		}
	}
}
