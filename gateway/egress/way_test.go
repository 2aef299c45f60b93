package egress

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// through is a client whose every destination is reached on one way.
func through(t testing.TB, w *Way) *Client {
	t.Helper()
	return local(t, Settings{Rules: Rules{Ways: func(string) *Way { return w }}})
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// inPEM writes a certificate and its key to files.
func inPEM(t *testing.T, a *authority, what *x509.Certificate) (cert, key string) {
	t.Helper()
	c, k := issue(t, what, a)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert = write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
	return cert, write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func TestAClientCertificateIsShownAndThePrivateAuthorityBelieved(t *testing.T) {
	ca := newAuthority(t)
	here := ca.certificate(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	port, _ := serveTLS(t, &tls.Config{
		Certificates: []tls.Certificate{here}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool,
	})
	cert, key := inPEM(t, ca, &x509.Certificate{
		Subject: pkix.Name{CommonName: "us"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	bundle := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})))
	way, faults := LoadWay(WayFiles{ClientCert: cert, ClientKey: key, CA: bundle})
	if faults != nil {
		t.Fatal(faults)
	}
	to := "https://127.0.0.1:" + strconv.Itoa(int(port))
	if resp := do(through(t, way), Request{Method: "POST", URL: to}); resp.Status != 200 {
		t.Errorf("with it: %q %v", resp.Class, resp.Err)
	}
	if resp := do(through(t, &Way{RootCAs: ca.pool}), Request{Method: "POST", URL: to}); resp.Class != policy.ClassTLS {
		t.Errorf("without it: status %d, %q %v", resp.Status, resp.Class, resp.Err)
	}
	if resp := do(local(t, Settings{}), Request{Method: "POST", URL: to}); resp.Class != policy.ClassTLS {
		t.Errorf("without its authority: status %d, %q %v", resp.Status, resp.Class, resp.Err)
	}
}

func TestCallsComeFromTheSourceAddress(t *testing.T) {
	var from net.Addr
	s := serve(t, func(cn net.Conn, _ []byte) string {
		from = cn.RemoteAddr()
		return ok
	})
	resp := do(through(t, &Way{Source: netip.MustParseAddr("127.0.0.77")}), Request{Method: "GET", URL: s.url})
	if resp.Err != nil || !strings.HasPrefix(from.String(), "127.0.0.77:") {
		t.Errorf("from %v: %v", from, resp.Err)
	}
}

// connectProxy is a proxy that answers CONNECT with a text and, where that is 200, joins it with a destination.
func connectProxy(t *testing.T, answer, destination string) (*Proxy, func() []string) {
	t.Helper()
	s := &server{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			cn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer cn.Close()
				br := bufio.NewReader(cn)
				request, err := readRequest(br)
				if err != nil {
					return
				}
				s.mu.Lock()
				s.requests = append(s.requests, string(request))
				s.mu.Unlock()
				if _, err := io.WriteString(cn, answer); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 200") {
					return
				}
				to, err := net.Dial("tcp", destination)
				if err != nil {
					return
				}
				defer to.Close()
				go func() {
					_, _ = io.Copy(to, br)
					_ = to.Close() // and with it the way back
				}()
				_, _ = io.Copy(cn, to)
			}()
		}
	}()
	u, err := url.Parse("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return newProxy(u), func() []string {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.requests
	}
}

func TestAProxyIsAskedToConnectAndSeesNothingElse(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	p, seen := connectProxy(t, "HTTP/1.1 200 Connected\r\n\r\n", s.Addr().String())
	p.authorization = "Basic dTpw"
	c := through(t, &Way{Proxy: p})
	for i := range 2 {
		resp := do(c, Request{Method: "POST", URL: "http://nowhere.example/x", Body: []byte("secret")})
		if resp.Status != 200 || resp.Reused != (i > 0) {
			t.Fatalf("call %d: reused %t, %q %v", i, resp.Reused, resp.Class, resp.Err)
		}
	}
	want := "CONNECT nowhere.example:80 HTTP/1.1\r\nHost: nowhere.example:80\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
	if got := seen(); len(got) != 1 || got[0] != want {
		t.Errorf("the proxy saw %q, want %q once", got, want)
	}
	if got := s.last(); strings.Contains(got, "Proxy-") || !strings.Contains(got, "Host: nowhere.example\r\n") {
		t.Errorf("the destination saw %q", got)
	}
}

func TestWhatAProxyRefusesIsAFailureToConnect(t *testing.T) {
	for answer, says := range map[string]string{
		"HTTP/1.1 407 Who are you\r\n\r\n":                           "proxy_credentials",
		"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n":               "answered 502",
		"HTTP/1.1 200 OK\r\n\r\ntoo much":                            "more than its answer",
		"SSH-2.0-OpenSSH\r\n\r\n":                                    "answer to CONNECT",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", MaxHead) + "": "answer to CONNECT",
	} {
		p, _ := connectProxy(t, answer, "127.0.0.1:1")
		resp := do(through(t, &Way{Proxy: p}), Request{Method: "POST", URL: "http://nowhere.example/"})
		if resp.Class != policy.ClassConnect || !strings.Contains(resp.Err.Error(), says) {
			t.Errorf("%.30q: %q %v, want connect and %q", answer, resp.Class, resp.Err, says)
		}
	}
}

func TestBehindAProxyTheGuardStillJudgesWhatTheURLSays(t *testing.T) {
	p, seen := connectProxy(t, "HTTP/1.1 200 OK\r\n\r\n", "127.0.0.1:1")
	c := through(t, &Way{Proxy: p})
	for _, to := range []string{"http://10.0.0.1/", "http://[fd00::1]/", "http://example.com:25/", "http://0x7f.1/"} {
		if resp := do(c, Request{Method: "GET", URL: to}); resp.Class != policy.ClassBlocked {
			t.Errorf("%s: %q %v", to, resp.Class, resp.Err)
		}
	}
	if n := len(seen()); n != 0 {
		t.Errorf("the proxy was asked %d times", n)
	}
}

func TestOurOwnListenerIsNoProxy(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	g := Guard{Own: []netip.AddrPort{netip.MustParseAddrPort(s.Addr().String())}}
	c := New(Settings{Rules: Rules{Guard: g, Ways: func(string) *Way { return &Way{Proxy: newProxy(u)} }}})
	defer c.Close()
	if resp := do(c, Request{Method: "GET", URL: "http://example.com/"}); resp.Class != policy.ClassBlocked || s.accepted() != 0 {
		t.Errorf("%q %v", resp.Class, resp.Err)
	}
}

func TestNewRulesHoldForTheNextCallThoughAConnectionIsKept(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	c := local(t, Settings{})
	if resp := do(c, Request{Method: "GET", URL: s.url}); resp.Err != nil {
		t.Fatal(resp.Err)
	}
	c.Reconfigure(Rules{})()
	if resp := do(c, Request{Method: "GET", URL: s.url}); resp.Class != policy.ClassBlocked {
		t.Errorf("%d %q %v", resp.Status, resp.Class, resp.Err)
	}
}

func TestEveryFaultOfAWaysFilesIsNamedAndNothingOfTheirContent(t *testing.T) {
	secret := write(t, "secret", "hunter2")
	_, faults := LoadWay(WayFiles{
		ClientCert: "/nowhere/cert.pem", ClientKey: "/nowhere/key.pem", CA: secret,
		ProxyURL: "http://proxy.example", ProxyCredentials: secret,
	})
	var keys []string
	for _, f := range faults {
		keys = append(keys, f.Key)
		if strings.Contains(f.String(), "hunter2") {
			t.Errorf("%s tells the file's content", f)
		}
	}
	if got := strings.Join(keys, " "); got != "client_cert client_key ca proxy_credentials" {
		t.Errorf("faults of %s", got)
	}
	if _, faults = LoadWay(WayFiles{ClientCert: secret, ClientKey: secret}); len(faults) != 1 {
		t.Errorf("%v, want one fault of a certificate that is none", faults)
	}
}

func TestWaysOfTheSameFilesAreTheSame(t *testing.T) {
	ca := newAuthority(t)
	pair := func() (cert, key string) {
		return inPEM(t, ca, &x509.Certificate{Subject: pkix.Name{CommonName: "us"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	}
	cert, key := pair()
	otherCert, otherKey := pair()
	bundle := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})))
	load := func(f WayFiles) *Way {
		way, faults := LoadWay(f)
		if faults != nil {
			t.Fatal(faults)
		}
		return way
	}
	whole := WayFiles{ClientCert: cert, ClientKey: key, CA: bundle, Source: "127.0.0.1", ProxyURL: "http://proxy.example"}
	if !load(whole).Same(load(whole)) || !(*Way)(nil).Same(nil) {
		t.Error("what was read twice is not the same")
	}
	for name, f := range map[string]WayFiles{
		"another certificate": {ClientCert: otherCert, ClientKey: otherKey, CA: bundle, Source: "127.0.0.1", ProxyURL: "http://proxy.example"},
		"no authorities":      {ClientCert: cert, ClientKey: key, Source: "127.0.0.1", ProxyURL: "http://proxy.example"},
		"another address":     {ClientCert: cert, ClientKey: key, CA: bundle, Source: "127.0.0.2", ProxyURL: "http://proxy.example"},
		"another proxy":       {ClientCert: cert, ClientKey: key, CA: bundle, Source: "127.0.0.1", ProxyURL: "http://other.example"},
	} {
		if load(f).Same(load(whole)) || load(f).Same(nil) {
			t.Errorf("%s is the same", name)
		}
	}
}

func TestHostListsGoBeforeEverything(t *testing.T) {
	is := func(names ...string) func(string) bool {
		return func(host string) bool {
			for _, n := range names {
				if n == host {
					return true
				}
			}
			return false
		}
	}
	for _, c := range []struct {
		g     Guard
		host  string
		port  uint16
		allow bool
	}{
		{Guard{DenyHosts: is("bad.example")}, "BAD.example.", 443, false},
		{Guard{DenyHosts: is("bad.example")}, "good.example", 443, true},
		{Guard{DenyHosts: is("bad.example:80")}, "bad.example", 80, false},
		{Guard{DenyHosts: is("10.1.2.3:80"), AllowNets: nets("10.0.0.0/8")}, "10.1.2.3", 80, false},
		{Guard{DenyHosts: is("[2606:4700::1]")}, "[2606:4700:0::1]", 443, false},
		{Guard{AllowHosts: is("good.example")}, "good.example", 443, true},
		{Guard{AllowHosts: is("good.example")}, "other.example", 443, false},
		{Guard{AllowHosts: is("good.example")}, "8.8.8.8", 443, false},
		{Guard{AllowHosts: is("10.1.2.3")}, "10.1.2.3", 443, false}, // it opens nothing
		{Guard{AllowHosts: is("a.example"), DenyHosts: is("a.example")}, "a.example", 443, false},
		{Guard{DenyHosts: is("xn--bcher-kva.example")}, "bücher.example", 443, false},
	} {
		if err := c.g.CheckHost(c.host, c.port); (err == nil) != c.allow {
			t.Errorf("%s port %d: %v, want allowed: %t", c.host, c.port, err, c.allow)
		}
	}
}
