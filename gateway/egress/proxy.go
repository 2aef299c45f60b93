package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Proxy is one through which destinations are reached by CONNECT (RFC 9110 section 9.3.6): plain HTTP too, so that it
// sees neither requests nor credentials of theirs. It resolves the destinations' names and dials, hence the guard judges
// what a URL says, and the proxy's own rules what that resolves to. The proxy itself is the operator's choice and may
// stand in a private network; only the gateway's own listeners are none.
type Proxy struct {
	secure        bool
	name          string
	address       string // host:port
	authorization string // of Proxy-Authorization; empty: none
}

func newProxy(u *url.URL) *Proxy {
	p := &Proxy{secure: u.Scheme == "https", name: u.Hostname()}
	port := u.Port()
	if port == "" {
		port = "80"
		if p.secure {
			port = "443"
		}
	}
	p.address = net.JoinHostPort(p.name, port)
	return p
}

// dialProxy connects to a way's proxy and has it connect to an address.
func (c *Client) dialProxy(ctx context.Context, way *Way, address string) (net.Conn, error) {
	p := way.Proxy
	d := net.Dialer{
		Resolver: c.set.Resolver, LocalAddr: way.source(),
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err == nil && c.Guard().isOwn(netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())) {
				err = fmt.Errorf("%w: %s: it is a listener of this gateway", ErrBlocked, at)
			}
			return err
		},
	}
	cn, err := d.DialContext(ctx, "tcp", p.address)
	if err != nil {
		if errors.Is(err, ErrBlocked) {
			return nil, err
		}
		// Not wrapped: a proxy whose name cannot be resolved says nothing of the destination's.
		return nil, fmt.Errorf("proxy %s: %v", p.address, err) //nolint:errorlint // see above
	}
	if p.secure {
		secure := tls.Client(cn, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.set.RootCAs, ServerName: p.name})
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = cn.Close()
			return nil, fmt.Errorf("TLS handshake with proxy %s: %w", p.address, err)
		}
		cn = secure
	}
	if err := p.tunnel(ctx, cn, address); err != nil {
		_ = cn.Close()
		return nil, err
	}
	return cn, nil
}

// tunnel asks for a connection to an address, over one to the proxy.
func (p *Proxy) tunnel(ctx context.Context, cn net.Conn, address string) error {
	deadline, _ := ctx.Deadline()
	if err := cn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("proxy %s: %w", p.address, err)
	}
	var b strings.Builder
	b.WriteString("CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n")
	if p.authorization != "" {
		b.WriteString("Proxy-Authorization: " + p.authorization + "\r\n")
	}
	b.WriteString("\r\n")
	if _, err := cn.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("proxy %s: %w", p.address, err)
	}
	br := bufio.NewReaderSize(&bounded{cn, MaxHead}, readSize)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return fmt.Errorf("proxy %s: reading its answer to CONNECT: %w", p.address, err)
	}
	_ = resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return fmt.Errorf("proxy %s wants credentials, or other ones (407): see egress.hosts proxy_credentials", p.address)
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("proxy %s does not connect to %s: it answered %d", p.address, address, resp.StatusCode)
	case br.Buffered() > 0:
		return fmt.Errorf("proxy %s sent more than its answer to CONNECT", p.address)
	}
	if err := cn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("proxy %s: %w", p.address, err)
	}
	return nil
}

// bounded reads at most n bytes of a connection.
type bounded struct {
	cn net.Conn
	n  int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.n <= 0 {
		return 0, errors.New("its head is too long")
	}
	n, err := b.cn.Read(p[:min(len(p), b.n)])
	b.n -= n
	return n, err
}
