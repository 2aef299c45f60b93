package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

func TestConnectionsAreKeptAndTold(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	c := local(t, Settings{})
	for i := range 5 {
		resp := do(c, Request{Method: "POST", URL: s.url})
		if resp.Err != nil || resp.Reused != (i > 0) {
			t.Errorf("request %d: reused %t, %v", i, resp.Reused, resp.Err)
		}
	}
	c.CloseIdle()
	if resp := do(c, Request{Method: "POST", URL: s.url}); resp.Reused || resp.Err != nil {
		t.Errorf("after CloseIdle: reused %t, %v", resp.Reused, resp.Err)
	}
	if n := s.accepted(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestEveryRequestIsSentOnceThoughConnectionsDrop(t *testing.T) {
	var n atomic.Int64
	s := serve(t, func(cn net.Conn, _ []byte) string {
		switch n.Add(1) % 3 {
		case 0:
			return "" // dropped without an answer
		case 1:
			cn.Close() // answered, and closed without having said so
		}
		return ok
	})
	c := local(t, Settings{})
	for i := range 60 {
		for _, method := range []string{"GET", "PUT", "POST"} {
			path := fmt.Sprintf("/%s/%d ", method, i)
			resp := do(c, Request{Method: method, URL: s.url + strings.TrimSuffix(path, " ")})
			if resp.Err != nil && resp.Class != policy.ClassReset {
				t.Fatalf("%s: %q %v", path, resp.Class, resp.Err)
			}
			if seen := s.seen(path); seen > 1 || resp.Err == nil && seen != 1 {
				t.Fatalf("%s was seen %d times (%v)", path, seen, resp.Err)
			}
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var s *server
	s = serve(t, func(net.Conn, []byte) string {
		return "HTTP/1.1 307 x\r\nLocation: " + s.url + "/there\r\nContent-Length: 0\r\n\r\n"
	})
	resp := do(local(t, Settings{}), Request{Method: "POST", URL: s.url + "/here"})
	if resp.Status != 307 || s.seen("/there") != 0 {
		t.Errorf("status %d, the other place was asked %d times", resp.Status, s.seen("/there"))
	}
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	proxy := serve(t, func(net.Conn, []byte) string { return ok })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.url)
	}
	s := serve(t, func(net.Conn, []byte) string { return ok })
	if resp := do(local(t, Settings{}), Request{Method: "POST", URL: s.url}); resp.Err != nil || proxy.accepted() != 0 {
		t.Errorf("%v; the proxy was called %d times", resp.Err, proxy.accepted())
	}
}

func TestAnAnswerGivenBeforeTheRequestWasReadCounts(t *testing.T) {
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
		_, _ = cn.Read(make([]byte, 1))
		_, _ = cn.Write([]byte("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		_ = cn.(*net.TCPConn).CloseWrite()
		_, _ = cn.Read(make([]byte, 1<<20))
	}()
	c := local(t, Settings{})
	resp := do(c, Request{Method: "POST", URL: "http://" + l.Addr().String(), Body: make([]byte, 256<<10)})
	if resp.Status != 413 || resp.Err != nil {
		t.Errorf("status %d, %v", resp.Status, resp.Err)
	}
}

func TestBlockedAddressesAreNotDialled(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	port := netip.MustParseAddrPort(s.Addr().String())
	for _, x := range []struct {
		name  string
		set   Settings
		hosts string
	}{
		{"nothing allowed", Settings{}, "127.0.0.1 [::1] [::ffff:127.0.0.1] localhost here.localhost 0.0.0.0 [::]"},
		{"another net", guarded(Guard{AllowNets: nets("10.0.0.0/8")}), "127.0.0.1 [::ffff:127.0.0.1] localhost"},
		{"a net denied", guarded(Guard{AllowNets: nets("127.0.0.0/8"), DenyNets: nets("127.0.0.1/32")}), "127.0.0.1 [::ffff:7f00:1]"},
		{"our own listener", guarded(Guard{AllowNets: nets("0.0.0.0/0 ::/0"), Own: []netip.AddrPort{port}}), "127.0.0.1 0.0.0.0 [::]"},
		{"another notation", guarded(Guard{AllowNets: nets("127.0.0.0/8")}), "127.1 0x7f000001 2130706433 017700000001"},
	} {
		c := New(x.set)
		defer c.Close()
		for host := range strings.FieldsSeq(x.hosts) {
			resp := do(c, Request{Method: "POST", URL: fmt.Sprintf("http://%s:%d/", host, port.Port())})
			if resp.Class != policy.ClassBlocked || resp.Err == nil || !resp.Sent.IsZero() {
				t.Errorf("%s, %s: %q %v", x.name, host, resp.Class, resp.Err)
			}
		}
	}
	if n := s.accepted(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// resolver answers for every name with the addresses that answer returns.
func resolver(t *testing.T, answer func() []netip.Addr) *net.Resolver {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { _ = pc.Close() })
	wg.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buf[:n]); err != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			q := m.Questions[0]
			head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}
			for _, a := range answer() {
				if q.Type == dnsmessage.TypeA && a.Is4() {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
				}
				if q.Type == dnsmessage.TypeAAAA && a.Is6() {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
				}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = pc.WriteTo(out, from)
			}
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func TestRebindingANameGainsNothing(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	port := netip.MustParseAddrPort(s.Addr().String()).Port()
	here := netip.MustParseAddr("127.0.0.1")
	for name, now := range map[string][]netip.Addr{
		"loopback":       {here},
		"mapped":         {netip.MustParseAddr("::ffff:127.0.0.1")},
		"NAT64":          {netip.MustParseAddr("64:ff9b::127.0.0.1")},
		"metadata":       {netip.MustParseAddr("169.254.169.254")},
		"several":        {here, netip.MustParseAddr("::1"), netip.MustParseAddr("10.0.0.1")},
		"this host":      {netip.IPv4Unspecified()},
		"IPv6 this host": {netip.IPv6Unspecified()},
	} {
		t.Run(name, func(t *testing.T) {
			var rebound atomic.Bool
			r := resolver(t, func() []netip.Addr {
				if !rebound.Load() {
					return []netip.Addr{netip.MustParseAddr("8.8.8.8")}
				}
				return now
			})
			c := New(Settings{Resolver: r, Rules: Rules{Guard: Guard{Ports: []uint16{port}}}})
			defer c.Close()
			// What a check at definition time would see.
			if ips, err := r.LookupNetIP(t.Context(), "ip", "rebind.example."); err != nil || ips[0].Unmap().String() != "8.8.8.8" {
				t.Fatalf("resolved to %v, %v", ips, err)
			}
			url := fmt.Sprintf("http://rebind.example.:%d/", port)
			if err := checkURL(c.Guard(), url); err != nil {
				t.Fatal(err)
			}
			rebound.Store(true)
			resp := do(c, Request{Method: "POST", URL: url})
			if resp.Class != policy.ClassBlocked || !errors.Is(resp.Err, ErrBlocked) {
				t.Errorf("%q %v", resp.Class, resp.Err)
			}
		})
	}
	if n := s.accepted(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestARefusedAddressIsPassedOverForTheNext(t *testing.T) {
	s := serve(t, func(net.Conn, []byte) string { return ok })
	at := netip.MustParseAddrPort(s.Addr().String())
	r := resolver(t, func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("169.254.169.254"), at.Addr()} })
	c := local(t, Settings{Resolver: r})
	resp := do(c, Request{Method: "POST", URL: fmt.Sprintf("http://both.example.:%d/", at.Port())})
	if resp.Status != 200 || !strings.Contains(s.last(), fmt.Sprintf("\r\nHost: both.example.:%d\r\n", at.Port())) {
		t.Errorf("status %d, %v; got %q", resp.Status, resp.Err, s.last())
	}
	s.Close()
	c.CloseIdle()
	resp = do(c, Request{Method: "POST", URL: fmt.Sprintf("http://both.example.:%d/", at.Port())})
	if resp.Class != policy.ClassConnect {
		t.Errorf("one address refused by the guard, one by the destination: %q %v, want connect", resp.Class, resp.Err)
	}
}

func TestUnreachableHostsAreClassed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	l.Close()
	r := resolver(t, func() []netip.Addr { return nil })
	silent := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for _, x := range []struct {
		name     string
		set      Settings
		url      string
		connect  time.Duration
		class    policy.ErrorClass
		timedOut bool
	}{
		{"no listener", Settings{}, gone, 0, policy.ClassConnect, false},
		{"no address", Settings{Resolver: r}, "http://none.example./", 0, policy.ClassDNS, false},
		{"no name server", Settings{Resolver: silent}, "http://none.example./", 50 * time.Millisecond, policy.ClassDNS, true},
	} {
		resp := do(local(t, x.set), Request{Method: "POST", URL: x.url, Connect: x.connect})
		if resp.Class != x.class || resp.TimedOut != x.timedOut || resp.Err == nil || !resp.Sent.IsZero() {
			t.Errorf("%s: %q, timed out %t, %v; want %q, %t", x.name, resp.Class, resp.TimedOut, resp.Err, x.class, x.timedOut)
		}
		if x.class == policy.ClassDNS && strings.Contains(fmt.Sprint(resp.Err), ":53") {
			t.Errorf("%s: names the server that was asked: %v", x.name, resp.Err)
		}
	}
}

// inMemory returns a client in virtual time whose destination is a function.
func inMemory(t *testing.T, set Settings, destination func(net.Conn)) *Client {
	var wg sync.WaitGroup
	set.Dial = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		wg.Go(func() {
			defer there.Close()
			destination(there)
		})
		return here, nil
	}
	c := New(set)
	t.Cleanup(wg.Wait)
	t.Cleanup(c.Close)
	return c
}

func TestTimeoutsBoundTheWholeAttempt(t *testing.T) {
	drip := func(cn net.Conn, head, piece string) {
		_, _ = cn.Read(make([]byte, 4096))
		_, err := cn.Write([]byte(head))
		for err == nil {
			time.Sleep(time.Second)
			_, err = cn.Write([]byte(piece))
		}
	}
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	const timeout = 30*time.Second + 500*time.Millisecond // between two pieces
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, x := range []struct {
		name        string
		url         string
		dial        func(context.Context, string, string) (net.Conn, error)
		destination func(net.Conn)
		class       policy.ErrorClass
		status      int
		timedOut    bool
		took        time.Duration
		body        int
	}{
		{name: "connecting", dial: hang, class: policy.ClassConnect, timedOut: true, took: 5 * time.Second},
		{name: "TLS", url: "https://silent.example/", destination: func(cn net.Conn) { drip(cn, "", "") },
			class: policy.ClassTLS, timedOut: true, took: 5 * time.Second},
		{name: "a request that is not read", destination: func(net.Conn) { time.Sleep(time.Hour) },
			class: policy.ClassTimeout, timedOut: true, took: timeout},
		{name: "no answer", destination: func(cn net.Conn) { drip(cn, "", "") },
			class: policy.ClassTimeout, timedOut: true, took: timeout},
		{name: "a slow head", destination: func(cn net.Conn) { drip(cn, "HTTP/1.1 200 OK\r\n", "a: b\r\n") },
			class: policy.ClassTimeout, timedOut: true, took: timeout},
		{name: "a slow body", destination: func(cn net.Conn) { drip(cn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "x") },
			status: 200, took: timeout, body: 30},
		{name: "endless chunks", destination: func(cn net.Conn) { drip(cn, chunked, "1\r\nx\r\n") },
			status: 200, took: timeout, body: 30},
		{name: "a slow end behind what is kept",
			destination: func(cn net.Conn) { drip(cn, chunked+"1000\r\n"+strings.Repeat("x", 4096)+"\r\n", "1\r\nx\r\n") },
			status:      200, took: drainTime, body: 4096},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t, Settings{}, x.destination)
				if x.dial != nil {
					c.set.Dial = x.dial
				}
				if x.url == "" {
					x.url = "http://slow.example/"
				}
				began := time.Now()
				resp := do(c, Request{Method: "POST", URL: x.url, Connect: 5 * time.Second, Timeout: timeout})
				took := time.Since(began)
				if resp.Class != x.class || resp.Status != x.status || resp.TimedOut != x.timedOut || took != x.took {
					t.Errorf("%q, status %d, timed out %t after %s (%v); want %q, %d, %t, %s",
						resp.Class, resp.Status, resp.TimedOut, took, resp.Err, x.class, x.status, x.timedOut, x.took)
				}
				if len(resp.Body) != x.body || resp.Truncated != (x.body > 0) {
					t.Errorf("%d bytes of the body, truncated %t; want %d", len(resp.Body), resp.Truncated, x.body)
				}
			})
		})
	}
}

func TestUnusedConnectionsAreClosedAndNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		c := inMemory(t, Settings{IdleTimeout: 60 * time.Second, MaxIdlePerHost: 3, MaxIdle: 5}, func(cn net.Conn) {
			open.Add(1)
			defer open.Add(-1)
			for {
				if _, err := cn.Read(make([]byte, 4096)); err != nil {
					return
				}
				time.Sleep(time.Second)
				if _, err := cn.Write([]byte(ok)); err != nil {
					return
				}
			}
		})
		burst := func(host string) {
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					if resp := do(c, Request{Method: "POST", URL: "http://" + host}); resp.Err != nil {
						t.Error(resp.Err)
					}
				})
			}
			wg.Wait()
			synctest.Wait()
		}
		if burst("a.example"); open.Load() != 3 {
			t.Errorf("%d connections kept of one host, want 3", open.Load())
		}
		if burst("b.example"); open.Load() != 5 {
			t.Errorf("%d connections kept of two hosts, want 5", open.Load())
		}
		time.Sleep(61 * time.Second) // in virtual time
		synctest.Wait()
		if open.Load() != 0 || c.idle.Load() != 0 {
			t.Errorf("after their time %d connections are open, %d counted", open.Load(), c.idle.Load())
		}
		time.Sleep(2 * time.Minute)
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.live) != 0 {
			t.Errorf("%d connections are known", len(c.live))
		}
		if len(c.origins) != 0 || c.sweeper != nil {
			t.Errorf("%d hosts are remembered, sweeping: %t", len(c.origins), c.sweeper != nil)
		}
	})
}

func TestCloseBreaksOffWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, Settings{}, func(cn net.Conn) {
			for { // reads what comes, never answers
				if _, err := cn.Read(make([]byte, 4096)); err != nil {
					return
				}
			}
		})
		connected := c.set.Dial
		c.set.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "hang.example:80" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return connected(ctx, network, address)
		}
		began := time.Now()
		var wg sync.WaitGroup
		for _, host := range []string{"hang.example", "mute.example"} {
			wg.Go(func() {
				resp := do(c, Request{Method: "POST", URL: "http://" + host})
				if resp.Class != policy.ClassCanceled || resp.TimedOut || resp.Err == nil {
					t.Errorf("%s: %q %v", host, resp.Class, resp.Err)
				}
			})
		}
		synctest.Wait()
		c.Close()
		wg.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
		if resp := do(c, Request{Method: "POST", URL: "http://mute.example"}); resp.Class != policy.ClassCanceled {
			t.Errorf("after Close: %q %v", resp.Class, resp.Err)
		}
	})
}
