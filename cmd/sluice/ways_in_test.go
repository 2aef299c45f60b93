package main_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// witness is a destination that remembers what it was sent, and answers 201 with a body.
type witness struct {
	mu   sync.Mutex
	sent []*http.Request
}

func (w *witness) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.sent = append(w.sent, r)
	w.mu.Unlock()
	to.Header().Set("X-Receipt", "r7")
	to.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(to, "received")
}

// last returns the one request that came since it was last asked; nil: none or several.
func (w *witness) last() *http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	if len(sent) != 1 {
		return nil
	}
	return sent[0]
}

// TestTheProxyTakesItsTokenInEveryFormAndPassesNoneOn: by path, as http_proxy and through tunnels.
func TestTheProxyTakesItsTokenInEveryFormAndPassesNoneOn(t *testing.T) {
	var seen witness
	plain, secure := httptest.NewServer(&seen), httptest.NewTLSServer(&seen)
	defer plain.Close()
	defer secure.Close()
	c := serving(t, fmt.Sprintf("tokens: [{name: sender, sha256: %x, scopes: [send]}, {name: reader, sha256: %x, scopes: [read]}]\n",
		sha256.Sum256([]byte("send-token")), sha256.Sum256([]byte("read-token"))))
	basic := func(token string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("anyone:"+token))
	}

	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	// client goes through the gateway as through a proxy; authorization is what it presents to that.
	client := func(authorization string) *http.Client {
		transport := &http.Transport{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: c.front}), TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true,
		}
		if authorization != "" {
			transport.ProxyConnectHeader = http.Header{"Proxy-Authorization": {authorization}}
		}
		return &http.Client{Transport: transport}
	}
	call := func(client *http.Client, url string, fields ...string) (status int, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "PUT", url, strings.NewReader("what the client wrote"))
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, "Authorization: Bearer theirs", "Idempotency-Key: k1", "Sluice-Flow: spring", "TE: trailers")
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			req.Header.Set(name, value)
		}
		resp, err := client.Do(req)
		if err != nil { // of a tunnel that was refused, its status
			_, reason, _ := strings.Cut(err.Error(), ": ")
			return 0, reason
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	const target = "/a%2Fb//c;d?x=%20y&&z"
	for _, tt := range []struct {
		name   string
		status int
		call   func(token string) (int, string)
	}{
		{"by path, Sluice-Token", 401, func(token string) (int, string) {
			return call(http.DefaultClient, "http://"+c.front+"/proxy/"+plain.URL+target, "Sluice-Token: "+token)
		}},
		{"by path, Bearer", 401, func(token string) (int, string) {
			return call(http.DefaultClient, "http://"+c.front+"/proxy/"+plain.URL+target, "Proxy-Authorization: Bearer "+token)
		}},
		{"by path, Basic", 401, func(token string) (int, string) {
			return call(http.DefaultClient, "http://"+c.front+"/proxy/"+plain.URL+target, "Proxy-Authorization: "+basic(token))
		}},
		{"http_proxy, Bearer", 407, func(token string) (int, string) {
			return call(client(""), plain.URL+target, "Proxy-Authorization: Bearer "+token)
		}},
		{"http_proxy, Basic", 407, func(token string) (int, string) {
			return call(client(""), plain.URL+target, "Proxy-Authorization: "+basic(token))
		}},
		{"http_proxy, Sluice-Token", 407, func(token string) (int, string) {
			return call(client(""), plain.URL+target, "Sluice-Token: "+token)
		}},
		{"tunnel, Bearer", 407, func(token string) (int, string) { return call(client("Bearer "+token), secure.URL+target) }},
		{"tunnel, Basic", 407, func(token string) (int, string) { return call(client(basic(token)), secure.URL+target) }},
	} {
		tunnel := strings.HasPrefix(tt.name, "tunnel")
		status, body := tt.call("send-token")
		r := seen.last()
		if status != 201 || body != "received" || r == nil {
			t.Errorf("%s: %d %s, %v arrived", tt.name, status, body, r)
			continue
		}
		if r.RequestURI != target || r.Method != "PUT" || r.Header.Get("Authorization") != "Bearer theirs" || r.Header.Get("Idempotency-Key") != "k1" {
			t.Errorf("%s: %s %s %v arrived", tt.name, r.Method, r.RequestURI, r.Header)
		}
		if !tunnel { // of what is said in one the gateway sees nothing
			for _, name := range []string{"Proxy-Authorization", "Sluice-Token", "Sluice-Flow", "TE", "Connection"} {
				if r.Header.Get(name) != "" {
					t.Errorf("%s: %s is passed on: %v", tt.name, name, r.Header)
				}
			}
			if r.Header.Get("Via") != "1.1 sluice" {
				t.Errorf("%s: Via is %q", tt.name, r.Header.Get("Via"))
			}
		}
		for token, want := range map[string]int{"guess": tt.status, "read-token": 403} {
			status, body := tt.call(token)
			if refusal := http.StatusText(want); status != want && !(tunnel && strings.Contains(body, refusal)) || seen.last() != nil {
				t.Errorf("%s with %s: %d %s, want %d", tt.name, token, status, body, want)
			}
		}
	}
	if status, _ := call(http.DefaultClient, "http://"+c.front+"/proxy/"+plain.URL); status != 401 {
		t.Errorf("without a token: %d", status)
	}
	c.terminate(t)
	if log := c.stderr.String(); strings.Contains(log, "send-token") || strings.Contains(log, "theirs") {
		t.Errorf("the log tells of tokens: %s", log)
	}
}

// TestWhatTheDoorAnswersWithIsWhatTheDestinationSaid over every way in that waits, and true where it is refused.
func TestWhatTheDoorAnswersWithIsWhatTheDestinationSaid(t *testing.T) {
	var seen witness
	there, scarce := httptest.NewServer(&seen), httptest.NewServer(&seen)
	defer there.Close()
	defer scarce.Close()
	c := serving(t, fmt.Sprintf("limits: {hosts: [{match: %q, windows: [1/1h]}]}\n", strings.TrimPrefix(scarce.URL, "http://")))
	ask := func(method, path, body string, fields ...string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.front+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(text)
	}
	var outcome struct {
		ID, State string
		Response  struct {
			Status  int
			Headers [][2]string
			Body    string
		}
	}
	resp, text := ask("POST", "/v1/webhooks", `{"url":"`+there.URL+`/x","body":{"n":1}}`, "Prefer: wait=30")
	if err := json.Unmarshal([]byte(text), &outcome); resp.StatusCode != 200 || err != nil || outcome.State != "delivered" || outcome.Response.Status != 201 ||
		outcome.Response.Body != "received" || resp.Header.Get("Preference-Applied") != "wait" && resp.Header.Get("Preference-Applied") != "wait=30" {
		t.Errorf("waited for: %s %v %s", resp.Status, resp.Header, text)
	}
	if r := seen.last(); r == nil || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v arrived", r)
	}
	if resp, text = ask("POST", "/v1/webhooks/test", `{"url":"`+there.URL+`/x"}`); resp.StatusCode != 200 || !strings.Contains(text, `"body":"received"`) || seen.last() == nil {
		t.Errorf("tested: %s %s", resp.Status, text)
	}

	batch := `{"webhooks":[{"url":"` + there.URL + `/1"},{"url":"` + there.URL + `/2","method":"get"},{"url":"` + there.URL + `/3"}]}`
	if resp, text = ask("POST", "/v1/webhooks?atomic=true", batch); resp.StatusCode != 400 || !strings.Contains(text, `"accepted":0`) || !strings.Contains(text, `"index":1`) {
		t.Errorf("an atomic batch with a fault: %s %s", resp.Status, text)
	}
	if resp, text = ask("POST", "/v1/webhooks", batch); resp.StatusCode != 207 || !strings.Contains(text, `"accepted":2,"rejected":1`) {
		t.Errorf("a batch with a fault: %s %s", resp.Status, text)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		seen.mu.Lock()
		n := len(seen.sent)
		seen.mu.Unlock()
		if n == 2 || time.Now().After(deadline) {
			break
		}
	}
	seen.mu.Lock()
	if len(seen.sent) != 2 {
		t.Errorf("of two batches, one of them atomic, %d webhooks arrived, want 2", len(seen.sent))
	}
	seen.sent = nil
	seen.mu.Unlock()

	if resp, text = ask("GET", "/proxy/"+scarce.URL+"/a", ""); resp.StatusCode != 201 || text != "received" || resp.Header.Get("X-Receipt") != "r7" {
		t.Errorf("proxied: %s %s", resp.Status, text)
	}
	if resp, text = ask("GET", "/proxy/"+scarce.URL+"/b", ""); resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" || resp.Header.Get("RateLimit") == "" ||
		!strings.Contains(text, "problems/lane-limited") {
		t.Errorf("beyond the limit: %s %v %s", resp.Status, resp.Header, text)
	}
	if resp, text = ask("GET", "/proxy/"+scarce.URL+"/c", "", "Prefer: respond-async"); resp.StatusCode != 202 || !strings.HasPrefix(resp.Header.Get("Location"), "/v1/webhooks/") {
		t.Errorf("beyond the limit, to be queued: %s %s", resp.Status, text)
	}
	if r := seen.last(); r == nil || r.RequestURI != "/a" {
		t.Errorf("%+v arrived, want the one call that the limit allows", r)
	}

	// A page of another site reaches this listener too, at whatever name it points here.
	for fields, want := range map[string]int{
		"Host: evil.example": 421, "Host: 192.0.2.7:8480": 421, "Host: localhost": 200, "Host: 127.0.0.1\r\nOrigin: https://evil.example": 403,
		"Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site": 403,
	} {
		for addr, path := range map[string]string{c.front: "/v1/hosts", c.admin: "/metrics"} {
			if addr == c.admin && strings.Contains(fields, "Origin") {
				continue // of a GET the browser keeps the answer from the page
			}
			all := answers(t, addr, func(cn net.Conn) {
				_, _ = io.WriteString(cn, "GET "+path+" HTTP/1.1\r\n"+fields+"\r\nConnection: close\r\n\r\n")
			})
			if len(all) != 1 || all[0].StatusCode != want {
				t.Errorf("%s with %q: %+v, want %d", path, fields, all, want)
			}
		}
	}
	c.terminate(t)
}
