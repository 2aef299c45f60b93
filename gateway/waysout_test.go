package gateway_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
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

// nameServer answers A and AAAA queries on loopback for the names that it knows, a CNAME before them where there is one.
type nameServer struct {
	mu    sync.Mutex
	names map[string][]netip.Addr
	alias map[string]string
	asked map[string]int
	// rebinds are names that answer with the first of their addresses once, and with the others from then on.
	rebinds map[string]bool
}

func (s *nameServer) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = pc.Close() })
	serving.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := s.answer(buf[:n]); answer != nil {
				_, _ = pc.WriteTo(answer, from)
			}
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func (s *nameServer) answer(query []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := q.Name
	for s.alias[name] != "" {
		to := dnsmessage.MustNewName(s.alias[name] + ".")
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: q.Class}, Body: &dnsmessage.CNAMEResource{CNAME: to},
		})
		name, owner = s.alias[name], to
	}
	addrs := s.names[name]
	if len(addrs) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	if s.rebinds[name] {
		if key := name + q.Type.String(); s.asked[key] == 0 {
			s.asked[key]++
			addrs = addrs[:1]
		} else {
			addrs = addrs[1:]
		}
	}
	head := dnsmessage.ResourceHeader{Name: owner, Class: q.Class}
	for _, a := range addrs {
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

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

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

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

// named is a gateway's name server: names that resolve to what may not be called, at once or the second time.
func named() *nameServer {
	addr := netip.MustParseAddr
	return &nameServer{
		asked: map[string]int{},
		names: map[string][]netip.Addr{
			"loopback.example": {addr("127.0.0.1")}, "six.example": {addr("::1")}, "both.example": {addr("127.0.0.1"), addr("::1")},
			"mapped.example": {addr("::ffff:127.0.0.1")}, "nat64.example": {addr("64:ff9b::7f00:1")}, "nothing.example": {addr("0.0.0.0"), addr("::")},
			"private.example": {addr("10.0.0.1"), addr("192.168.1.1"), addr("172.16.0.1")}, "imds.example": {addr("169.254.169.254"), addr("fd00:ec2::254")},
			"local.example": {addr("fe80::1")}, "cgnat.example": {addr("100.100.100.200")}, "six-to-four.example": {addr("2002:7f00:1::")},
			"rebinds.example": {addr("198.51.100.7"), addr("127.0.0.1")}, "target.example": {addr("127.0.0.1")},
		},
		alias:   map[string]string{"alias.example": "chain.example", "chain.example": "target.example"},
		rebinds: map[string]bool{"rebinds.example": true},
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
