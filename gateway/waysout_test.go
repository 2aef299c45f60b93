package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
)

// way is one of the ways in by which a URL can be given that is to be called.
type way struct {
	name string
	give func(e *exposed, url string) (status int, answer string)
}

// waysOut are all of them. What a test or a proxied call says of its outcome is in the answer.
var waysOut = []way{
	{"definition", func(e *exposed, url string) (int, string) {
		return e.ask("POST", "/v1/webhooks", `{"url":`+quoted(url)+`}`)
	}},
	{"batch", func(e *exposed, url string) (int, string) {
		return e.ask("POST", "/v1/webhooks", `{"webhooks":[{"url":`+quoted(url)+`}]}`)
	}},
	{"test", func(e *exposed, url string) (int, string) {
		return e.ask("POST", "/v1/webhooks/test?force=true", `{"url":`+quoted(url)+`}`)
	}},
	{"subscription", func(e *exposed, url string) (int, string) {
		return e.ask("POST", "/v1/subscriptions", `{"policy":"braze","url":`+quoted(url)+`}`)
	}},
	{"proxy by path", func(e *exposed, url string) (int, string) {
		return e.raw("GET /proxy/" + url + " HTTP/1.1\r\nHost: localhost\r\nSluice-Token: " + e.token() + "\r\n\r\n")
	}},
	{"proxy by target", func(e *exposed, url string) (int, string) {
		return e.raw("GET " + url + " HTTP/1.1\r\nHost: good.example\r\nProxy-Authorization: Bearer " + e.token() + "\r\n\r\n")
	}},
	{"proxy, queued", func(e *exposed, url string) (int, string) {
		return e.raw("GET " + url + " HTTP/1.1\r\nHost: good.example\r\nPrefer: respond-async\r\nSluice-Token: " + e.token() + "\r\n\r\n")
	}},
	{"tunnel", func(e *exposed, url string) (int, string) {
		_, authority, found := strings.Cut(url, "://")
		if !found {
			authority = url
		}
		if i := strings.IndexAny(authority, "/?"); i > 0 {
			authority = authority[:i]
		}
		basic := base64.StdEncoding.EncodeToString([]byte("x:" + e.token()))
		return e.raw("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\nProxy-Authorization: Basic " + basic + "\r\n\r\n")
	}},
}

// TestNoFormOfAForbiddenAddressIsCalledWhicheverWayItIsGiven has a listener wait where the forms lead, on a port that may be
// called.
func TestNoFormOfAForbiddenAddressIsCalledWhicheverWayItIsGiven(t *testing.T) {
	c := newTrap(t)
	conf := configs.Default()
	conf.Egress.Ports = append(conf.Egress.Ports, c.port)
	e := expose(t, conf, new(nameServer).resolver(t))
	if len(forms) < 200 {
		t.Fatalf("%d forms", len(forms))
	}
	for _, form := range forms {
		url := c.at(form)
		for _, way := range waysOut {
			status, answer := way.give(e, url)
			refused := status == 0 || status == 400 || status == 403 || status == 404 || status == 407
			// A request line that is broken by the form is no request for it; whoever cuts an authority out of the form may
			// find another there.
			if !refused && !(way.name == "tunnel" && status == 502) {
				t.Errorf("%s of %q: %d %.300s", way.name, url, status, answer)
			}
			if n := c.caught.Swap(0); n != 0 {
				t.Errorf("%s of %q: %d connections were made", way.name, url, n)
			}
		}
	}
	e.stop()
	if n := c.caught.Load(); n != 0 {
		t.Errorf("%d connections were made in the end", n)
	}
}

// TestNamesThatResolveToForbiddenAddressesAreNotCalled: these are accepted, as names tell nothing, and end when they are
// dialled, without another try and without harm to their host.
func TestNamesThatResolveToForbiddenAddressesAreNotCalled(t *testing.T) {
	c := newTrap(t)
	conf := configs.Default()
	conf.Egress.Ports = append(conf.Egress.Ports, c.port)
	names := named()
	e := expose(t, conf, names.resolver(t))
	hosts := []string{"alias.example", "ALIAS.example."}
	for host := range names.names {
		hosts = append(hosts, host)
	}
	for _, host := range hosts {
		url := c.at("http://" + host + ":$/")
		for _, way := range waysOut {
			status, answer := way.give(e, url)
			switch {
			case status == 202:
				var accepted struct {
					ID      string
					Results []struct{ ID string }
				}
				if err := json.Unmarshal([]byte(answer), &accepted); err != nil {
					t.Fatalf("%s of %s: %s", way.name, url, answer)
				}
				for _, r := range accepted.Results {
					accepted.ID = r.ID
				}
				e.ends(accepted.ID, `"state":"failed"`, `"error_class":"blocked_destination"`)
			case way.name == "subscription" && (status == 201 || status == 200):
				var s struct{ ID string }
				if err := json.Unmarshal([]byte(answer), &s); err != nil {
					t.Fatal(err)
				}
				if status, answer = e.ask("POST", "/v1/subscriptions/"+s.ID+"/test", ""); status != 200 || !strings.Contains(answer, `"error_class":"blocked_destination"`) {
					t.Errorf("test of a subscription for %s: %d %s", url, status, answer)
				}
			case way.name == "test" && status == 200 && strings.Contains(answer, `"error_class":"blocked_destination"`):
			case strings.HasPrefix(way.name, "proxy"), way.name == "tunnel":
				if status != 403 || !strings.Contains(answer, "problems/blocked-destination") {
					t.Errorf("%s of %s: %d %s", way.name, url, status, answer)
				}
			default:
				t.Errorf("%s of %s: %d %s", way.name, url, status, answer)
			}
		}
	}
	if n := c.caught.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	if _, answer := e.ask("GET", c.at("/v1/hosts/loopback.example:$"), ""); !strings.Contains(answer, `"state":"closed"`) {
		t.Errorf("refused destinations count against their host: %s", answer)
	}
}

func missing(text string, words []string) string {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return word
		}
	}
	return ""
}

// TestWhatIsAllowedIsCalledByEveryWay, though it be private; the gateway's own listeners are not.
func TestWhatIsAllowedIsCalledByEveryWay(t *testing.T) {
	c := newTrap(t)
	conf := configs.Default()
	conf.Egress.AllowNets = []configs.Net{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")}}
	names := named()
	e := expose(t, conf, names.resolver(t))
	for _, form := range append(opened, "http://loopback.example:$/", "http://both.example:$/", "http://alias.example:$/") {
		url := c.at(form)
		for _, way := range waysOut {
			if !ascii(url) && (strings.HasPrefix(way.name, "proxy") || way.name == "tunnel") {
				continue // no request line may hold it (RFC 9112 section 3)
			}
			status, answer := way.give(e, url)
			if status >= 300 || strings.Contains(answer, "error_class\":\"") {
				t.Errorf("%s of %q: %d %s", way.name, url, status, answer)
			}
		}
	}
	if c.caught.Load() == 0 {
		t.Error("nothing was called")
	}
	for _, own := range []string{e.front, e.admin} {
		_, port, _ := net.SplitHostPort(own)
		for _, form := range []string{"http://127.0.0.1:$/", "http://[::ffff:127.0.0.1]:$/"} {
			for _, way := range waysOut {
				url := strings.ReplaceAll(form, "$", port)
				if own == e.front && way.name == "proxy by target" || way.name == "proxy, queued" {
					continue // a request for the door itself
				}
				if status, answer := way.give(e, url); status != 400 && status != 403 {
					t.Errorf("%s of the gateway's own %s: %d %s", way.name, url, status, answer)
				}
			}
		}
	}
}

func ascii(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }

// TestTokenEndpointsAreGuardedToo, though the operator names them.
func TestTokenEndpointsAreGuardedToo(t *testing.T) {
	c := newTrap(t)
	conf := configs.Default()
	conf.Egress.Ports = append(conf.Egress.Ports, c.port)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	conf.Credentials = configs.Credentials{}
	urls := map[string]string{}
	for i, form := range append(forms, "http://loopback.example:$/", "http://alias.example:$/", "http://imds.example:$/") {
		if strings.Contains(form, "good.example#") {
			continue // a fragment is never sent, and it is good.example's
		}
		name := fmt.Sprint("c", i)
		urls[name] = c.at(form)
		conf.Credentials[name] = configs.Credential{Hosts: []string{"8.8.8.8"}, OAuth2: configs.OAuth2{TokenURL: urls[name], ClientID: "id", ClientSecretFile: secret}}
	}
	e := expose(t, conf, named().resolver(t))
	for name, url := range urls {
		status, answer := e.ask("POST", "/v1/webhooks/test?force=true", `{"url":"http://8.8.8.8/","credential":"`+name+`"}`)
		if status != 200 || !strings.Contains(answer, `"error_class":"credential"`) || !strings.Contains(answer, "destination") {
			t.Errorf("a token from %q: %d %s", url, status, answer)
		}
		if strings.Contains(answer, "s3cret") {
			t.Errorf("the answer shows the secret: %s", answer)
		}
	}
	if n := c.caught.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// TestBehindAProxyNoFormOfAForbiddenAddressIsAskedFor: the proxy is not even connected to.
func TestBehindAProxyNoFormOfAForbiddenAddressIsAskedFor(t *testing.T) {
	c := newTrap(t)
	way, faults := egress.LoadWay(egress.WayFiles{ProxyURL: c.at("http://127.0.0.1:$")})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	client := egress.New(egress.Settings{Rules: egress.Rules{
		Guard: egress.Guard{Ports: []uint16{80, 443, uint16(c.port)}}, Ways: func(string) *egress.Way { return way },
	}})
	defer client.Close()
	for _, form := range forms {
		if strings.Contains(form, "good.example#") {
			continue
		}
		var resp egress.Response
		client.Do(&egress.Request{Method: "POST", URL: c.at(form), Connect: time.Second, Timeout: time.Second}, &resp)
		if resp.Class != policy.ClassBlocked || c.caught.Load() != 0 {
			t.Errorf("%q: %q %v, %d connections to the proxy", form, resp.Class, resp.Err, c.caught.Load())
		}
	}
}

// TestWhereNoticesGoIsGuardedToo: one is sent when an endpoint answers 410 and is disabled.
func TestWhereNoticesGoIsGuardedToo(t *testing.T) {
	c := newTrap(t)
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })}
	go func() { _ = gone.Serve(ln) }()
	t.Cleanup(func() { _ = gone.Close() })
	for _, form := range []string{"http://127.0.0.1:$/", "http://[::1]:$/", "http://localhost:$/", "http://[::ffff:7f00:1]:$/", "http://alias.example:$/"} {
		conf := configs.Default()
		conf.Egress.Ports = append(conf.Egress.Ports, c.port)
		conf.Egress.AllowNets = []configs.Net{{Prefix: netip.MustParsePrefix("127.0.0.2/32")}}
		conf.Notices.URL = c.at(form)
		e := expose(t, conf, named().resolver(t))
		if status, answer := e.ask("POST", "/v1/subscriptions", `{"url":"http://`+ln.Addr().String()+`/"}`); status != 201 {
			t.Fatal(status, answer)
		}
		if status, answer := e.ask("POST", "/v1/events", `{"type":"a","data":{}}`); status != 202 {
			t.Fatal(status, answer)
		}
		var page struct{ Webhooks []struct{ ID string } }
		for deadline := time.Now().Add(20 * time.Second); len(page.Webhooks) == 0 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			_, answer := e.ask("GET", "/v1/webhooks?flow=sluice-notices&state=failed", "")
			if err := json.Unmarshal([]byte(answer), &page); err != nil {
				t.Fatal(answer)
			}
		}
		if len(page.Webhooks) == 0 {
			t.Fatalf("%s: no notice was given up", conf.Notices.URL)
		}
		e.ends(page.Webhooks[0].ID, `"error_class":"blocked_destination"`)
		e.stop()
	}
	if n := c.caught.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}
