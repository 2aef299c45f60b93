package egress

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

// pointing answers with a redirect.
func pointing(status int, to string) string {
	return fmt.Sprintf("HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, to)
}

func TestAsManyRedirectsAreFollowedAsAreAllowed(t *testing.T) {
	s := serve(t, func(_ net.Conn, request []byte) string {
		var n int
		if _, err := fmt.Sscanf(string(request), "POST /%d ", &n); err != nil || n == 0 {
			return ok
		}
		return pointing(307, fmt.Sprintf("/%d", n-1))
	})
	c := local(t, Settings{})
	for n, want := range map[int]int{0: 200, 1: 200, 2: 200, 3: 307} {
		resp := do(c, Request{Method: "POST", URL: fmt.Sprintf("%s/%d", s.url, n), Redirects: 2, Body: []byte("x")})
		if resp.Status != want || resp.Err != nil || resp.Elsewhere {
			t.Errorf("%d redirects: status %d, %v, elsewhere %t; want %d", n, resp.Status, resp.Err, resp.Elsewhere, want)
		}
	}
}

func TestARedirectRepeatsMethodAndBodyButFor303(t *testing.T) {
	for status, want := range map[int]string{
		301: "POST /there", 302: "POST /there", 307: "POST /there", 308: "POST /there", 303: "GET /there",
	} {
		s := serve(t, func(_ net.Conn, request []byte) string {
			if strings.Contains(string(request), "/here") {
				return pointing(status, "there?a=b#part")
			}
			return ok
		})
		resp := do(local(t, Settings{}), Request{
			Method: "POST", URL: s.url + "/here", Redirects: 1, Body: []byte("the body"),
			Headers: []record.Header{{Name: "content-type", Value: "text/plain"}, {Name: "X-A", Value: "b"}},
		})
		last := s.last()
		if resp.Status != 200 || !strings.HasPrefix(last, want+"?a=b HTTP/1.1\r\n") || !strings.Contains(last, "X-A: b\r\n") {
			t.Errorf("%d: status %d, %v after\n%s", status, resp.Status, resp.Err, last)
		}
		if repeats := strings.HasPrefix(want, "POST"); strings.HasSuffix(last, "the body") != repeats ||
			strings.Contains(last, "content-type") != repeats {
			t.Errorf("%d: the last request is\n%s", status, last)
		}
	}
}

func TestWhatIsNoRedirectIsTheAnswer(t *testing.T) {
	for _, answer := range []string{
		pointing(300, "/there"), pointing(304, "/there"), pointing(200, "/there"), pointing(307, ""), pointing(307, "ftp://a.example/"),
		pointing(307, "http://a b/"), pointing(307, "http://a.example/"+strings.Repeat("x", maxLocation)),
		"HTTP/1.1 307 x\r\nContent-Length: 0\r\n\r\n",
	} {
		s := serve(t, func(net.Conn, []byte) string { return answer })
		resp := do(local(t, Settings{}), Request{Method: "POST", URL: s.url + "/here", Redirects: 5})
		if resp.Err != nil || resp.Status == 0 || s.seen("POST ") != 1 {
			t.Errorf("%.60q: status %d, %v after %d requests", answer, resp.Status, resp.Err, s.seen("POST "))
		}
	}
}

func TestEveryPlaceThatARedirectLeadsToIsGuarded(t *testing.T) {
	for _, to := range []string{
		"http://10.1.2.3/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.1.2.3]/", "http://user@127.0.0.1/",
		"http://0x7f.1/", "http://127.9.9.9/",
	} {
		s := serve(t, func(net.Conn, []byte) string { return pointing(302, to) })
		c := local(t, guarded(Guard{DenyNets: []netip.Prefix{netip.MustParsePrefix("127.9.0.0/16")}}))
		resp := do(c, Request{Method: "POST", URL: s.url, Redirects: 1, Timeout: 5 * time.Second})
		if resp.Class != policy.ClassBlocked || resp.Status != 0 || !strings.Contains(resp.Err.Error(), "after a redirect") {
			t.Errorf("%s: status %d, class %q, %v", to, resp.Status, resp.Class, resp.Err)
		}
	}
}

func TestCredentialsDoNotFollowARedirectElsewhere(t *testing.T) {
	there := serve(t, func(net.Conn, []byte) string { return ok })
	here := serve(t, func(_ net.Conn, request []byte) string {
		if strings.Contains(string(request), "/same") {
			return pointing(307, "/again")
		}
		return pointing(307, there.url+"/there")
	})
	headers := []record.Header{
		{Name: "Authorization", Value: "Bearer s3cret"}, {Name: "X-Api-Key", Value: "s3cret"}, {Name: "cookie", Value: "s3cret"},
		{Name: "X-Hub-Signature-256", Value: "sha256=00"}, {Name: "webhook-id", Value: "1"}, {Name: "X-Partner", Value: "s3cret"},
	}
	c := local(t, Settings{})
	resp := do(c, Request{Method: "POST", URL: here.url + "/away", Redirects: 2, Headers: headers, Private: "x-partner"})
	if last := there.last(); resp.Status != 200 || strings.Contains(last, "s3cret") ||
		!strings.Contains(last, "X-Hub-Signature-256: sha256=00\r\n") || !strings.Contains(last, "webhook-id: 1\r\n") {
		t.Errorf("status %d, elsewhere it is\n%s", resp.Status, last)
	}
	if !resp.Elsewhere || resp.Answered != 307 {
		t.Errorf("elsewhere %t, answered %d", resp.Elsewhere, resp.Answered)
	}
	do(c, Request{Method: "POST", URL: here.url + "/same", Redirects: 1, Headers: headers, Private: "x-partner"})
	if last := here.last(); !strings.Contains(last, "POST /again") || strings.Count(last, "s3cret") != 4 {
		t.Errorf("at the same place it is\n%s", last)
	}
}

func TestARedirectNeverLeadsFromHTTPSToHTTP(t *testing.T) {
	resp := &Response{Status: 302}
	for location, want := range map[string]string{
		"http://a.example/x": "", "//b.example/x": "https://b.example/x", "https://b.example/x": "https://b.example/x", "/y": "https://a.example/y",
	} {
		resp.clearHeader()
		resp.header.Set(fasthttp.HeaderLocation, location)
		if got := redirectOf(resp, "https://a.example/x?q"); got != want {
			t.Errorf("%s leads to %q, want %q", location, got, want)
		}
	}
}

func TestRedirectsShareTheTimeOfTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		resp := &Response{Status: 302}
		resp.clearHeader()
		resp.header.Set(fasthttp.HeaderLocation, "/there")
		c := New(Settings{})
		defer c.Close()
		f := c.follow(&Request{Method: "POST", URL: "http://a.example/", Redirects: 1}, resp, began)
		if f == nil || f.class != policy.ClassTimeout || !f.timedOut {
			t.Errorf("with no time left: %v", f)
		}
	})
}

func FuzzRedirectOf(f *testing.F) {
	f.Add("https://a.example/x", "//b/y")
	f.Add("http://a.example:8080/x?y", "?z")
	f.Add("http://a.example", "http:///x")
	f.Add("https:a.example", "#0")
	f.Fuzz(func(t *testing.T, from, location string) {
		resp := &Response{Status: 307}
		resp.clearHeader()
		resp.header.SetBytesV(fasthttp.HeaderLocation, []byte(location))
		to := redirectOf(resp, from)
		if to == "" {
			return
		}
		if !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") {
			t.Errorf("%q from %q leads to %q", location, from, to)
		}
		if strings.HasPrefix(strings.ToLower(from), "https:") && !strings.HasPrefix(to, "https://") {
			t.Errorf("%q leads from %q to %q", location, from, to)
		}
	})
}
