package egress

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// authority is a certificate authority of our own.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	a := &authority{pool: x509.NewCertPool()}
	a.cert, a.key = issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	a.pool.AddCert(a.cert)
	return a
}

func issue(t *testing.T, what *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	what.SerialNumber = big.NewInt(1)
	if what.NotAfter.IsZero() {
		what.NotBefore, what.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := what, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, what, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (a *authority) certificate(t *testing.T, what *x509.Certificate) tls.Certificate {
	cert, key := issue(t, what, a)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// serveTLS answers with ok over TLS, and records what clients say in their handshakes.
func serveTLS(t *testing.T, conf *tls.Config) (port uint16, hellos func() []tls.ClientHelloInfo) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu   sync.Mutex
		said []tls.ClientHelloInfo
		wg   sync.WaitGroup
	)
	conf.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, *h)
		return nil, nil
	}
	s := &server{Listener: l}
	wg.Go(func() {
		for {
			cn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.talk(tls.Server(cn, conf), func(net.Conn, []byte) string { return ok }) })
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	return netip.MustParseAddrPort(l.Addr().String()).Port(), func() []tls.ClientHelloInfo {
		mu.Lock()
		defer mu.Unlock()
		return said
	}
}

func TestTLSAsksForTheHostAndVerifiesIt(t *testing.T) {
	ca := newAuthority(t)
	good := &x509.Certificate{
		DNSNames: []string{"api.example", "xn--bcher-kva.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	expired := &x509.Certificate{
		DNSNames: good.DNSNames, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	}
	for _, x := range []struct {
		name, host string
		cert       *x509.Certificate
		conf       *tls.Config // nil: the defaults
		sni        string
		class      policy.ErrorClass
	}{
		{name: "a name", host: "api.example", cert: good, sni: "api.example"},
		{name: "a name with a dot behind", host: "api.example.", cert: good, sni: "api.example"},
		{name: "a name in capitals", host: "API.Example", cert: good, sni: "api.example"},
		{name: "a name beyond ASCII", host: "bücher.example", cert: good, sni: "xn--bcher-kva.example"},
		{name: "an address, not named", host: "127.0.0.1", cert: good, sni: ""},
		{name: "an address in IPv6 form", host: "[::ffff:127.0.0.1]", cert: good, sni: ""},
		{name: "TLS 1.2", host: "api.example", cert: good, sni: "api.example", conf: &tls.Config{MaxVersion: tls.VersionTLS12}},
		{name: "another's certificate", host: "other.example", cert: good, sni: "other.example", class: policy.ClassTLS},
		{name: "another address's certificate", host: "127.0.0.2", cert: good, sni: "", class: policy.ClassTLS},
		{name: "an expired certificate", host: "api.example", cert: expired, sni: "api.example", class: policy.ClassTLS},
		{name: "TLS 1.1", host: "api.example", cert: good, sni: "api.example", class: policy.ClassTLS,
			conf: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}},
		{name: "a client certificate asked for", host: "api.example", cert: good, sni: "api.example", class: policy.ClassTLS,
			conf: &tls.Config{ClientAuth: tls.RequireAnyClientCert}},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.conf == nil {
				x.conf = new(tls.Config)
			}
			x.conf.Certificates = []tls.Certificate{ca.certificate(t, x.cert)}
			x.conf.NextProtos = []string{"h2", "http/1.1"}
			port, hellos := serveTLS(t, x.conf)
			at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String()
			c := local(t, Settings{RootCAs: ca.pool, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", at)
			}})
			for i := range 2 {
				resp := do(c, Request{Method: "POST", URL: "https://" + x.host + "/", Body: make([]byte, 20000)})
				if resp.Class != x.class || (resp.Err == nil) != (resp.Status == 200) || resp.Err == nil && resp.Reused != (i > 0) {
					t.Errorf("%q, status %d, reused %t: %v", resp.Class, resp.Status, resp.Reused, resp.Err)
				}
			}
			said := hellos()
			if len(said) == 0 || said[0].ServerName != x.sni {
				t.Fatalf("%d handshakes, want one for the name %q; the first: %+v", len(said), x.sni, said)
			}
			if got := strings.Join(said[0].SupportedProtos, " "); got != "http/1.1" {
				t.Errorf("protocols offered: %q", got)
			}
		})
	}
}

func TestAnUnknownAuthorityIsNotTrusted(t *testing.T) {
	cert := newAuthority(t).certificate(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	port, _ := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	url := "https://" + netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String()
	c := local(t, Settings{RootCAs: newAuthority(t).pool})
	if resp := do(c, Request{Method: "GET", URL: url}); resp.Class != policy.ClassTLS {
		t.Errorf("%q %v", resp.Class, resp.Err)
	}
}

func TestAServerThatSpeaksPlainHTTPIsNoTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		cn, err := l.Accept()
		if err != nil {
			return
		}
		defer cn.Close()
		_, _ = cn.Read(make([]byte, 4096))
		_, _ = cn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	}()
	resp := do(local(t, Settings{}), Request{Method: "GET", URL: "https://" + l.Addr().String()})
	if resp.Class != policy.ClassTLS || !resp.Sent.IsZero() {
		t.Errorf("%q %v", resp.Class, resp.Err)
	}
}
