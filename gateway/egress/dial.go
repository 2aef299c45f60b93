package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// connect makes a new connection to an origin: resolved, dialled under the guard, TLS spoken. Its errors are *failure.
func (c *Client) connect(o *origin, timeout time.Duration) (*conn, error) {
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	raw, err := c.dial(ctx, o.way, o.addr)
	if err != nil {
		return nil, c.connectFailure(policy.ClassConnect, o, err)
	}
	cn := &conn{Conn: raw, origin: o}
	cn.probe.aim(raw)
	if o.tls != nil {
		secure := tls.Client(raw, o.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close() // the handshake's error is the one that tells
			return nil, c.connectFailure(policy.ClassTLS, o, err)
		}
		cn.Conn = secure
	}
	if err := c.track(cn); err != nil {
		_ = cn.Close()
		return nil, err
	}
	return cn, nil
}

var errCanceled = &failure{class: policy.ClassCanceled, err: errors.New("broken off: the gateway is stopping")}

// connectFailure says what an error of connect means. Nothing was sent yet, whatever it is.
func (c *Client) connectFailure(class policy.ErrorClass, o *origin, err error) *failure {
	if c.ctx.Err() != nil {
		return errCanceled
	}
	var name *net.DNSError
	switch {
	case errors.Is(err, ErrBlocked):
		return &failure{class: policy.ClassBlocked, err: err}
	case class == policy.ClassConnect && errors.As(err, &name):
		class = policy.ClassDNS
	}
	doing := "connecting to"
	switch class {
	case policy.ClassDNS:
		doing = "resolving"
	case policy.ClassTLS:
		doing = "TLS handshake with"
	}
	timedOut := isTimeout(err)
	if class == policy.ClassDNS {
		err = lookupError(name)
	}
	if timedOut {
		return &failure{class: class, timedOut: true, err: fmt.Errorf("%s %s: no result in time: %w", doing, o.addr, err)}
	}
	return &failure{class: class, err: fmt.Errorf("%s %s: %w", doing, o.addr, err)}
}

// lookupError is what a lookup's error says, but not which server said so: whoever sends a webhook need not know the network it is
// sent from. That no file could be opened for it, which net tells in words alone, is made known.
func lookupError(err *net.DNSError) error {
	for _, wanting := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		if strings.HasSuffix(err.Err, wanting.Error()) {
			return wanting
		}
	}
	return errors.New(nameServer.ReplaceAllString(err.Err, "the name server: "))
}

// nameServer is how net begins what went wrong on the way to one: "read udp 10.0.0.7:41254->10.0.0.2:53: ".
var nameServer = regexp.MustCompile(`^(dial|read|write) (udp|tcp)[46]? [^ ]+: `)

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// dial returns a connection on which a destination can be spoken to.
func (c *Client) dial(ctx context.Context, way *Way, address string) (net.Conn, error) {
	switch {
	case c.set.Dial != nil:
		return c.set.Dial(ctx, "tcp", address)
	case way != nil && way.Proxy != nil:
		return c.dialProxy(ctx, way, address)
	}
	return c.dialGuarded(ctx, way.source(), address)
}

// dialGuarded resolves and dials with net.Dialer, IPv4 and IPv6 side by side (RFC 8305), every concrete address checked
// when its socket exists and before it is connected. An address that is refused is passed over for the next; the
// destination is blocked when none was left.
func (c *Client) dialGuarded(ctx context.Context, from net.Addr, address string) (net.Conn, error) {
	var allowed atomic.Bool
	d := net.Dialer{
		Resolver:  c.set.Resolver,
		LocalAddr: from,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") {
				return fmt.Errorf("%w: %s %s: want TCP", ErrBlocked, network, address)
			}
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s: want an address and a port: %w", ErrBlocked, address, err)
			}
			if err := c.Guard().CheckAddr(at); err != nil {
				return err
			}
			allowed.Store(true)
			return nil
		},
	}
	cn, err := d.DialContext(ctx, "tcp", address)
	if err != nil && errors.Is(err, ErrBlocked) && allowed.Load() {
		// The dialer tells of its first address only, and that one was refused.
		return nil, errors.New("none of its allowed addresses took the connection")
	}
	return cn, err
}

// serverName is the name that TLS asks for and verifies: the host's, without trailing dot. For an address it is the
// address, which is verified but not sent (RFC 6066 section 3).
func (d *destination) serverName() string { return strings.TrimSuffix(d.host.name, ".") }
