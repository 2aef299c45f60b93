package front

import (
	"net"
	"net/netip"
	"sync"
)

// boundedListener is a listener whose connections are bounded for each address they come from, so that one cannot take them all.
// It stands below TLS: what is too much is closed before a handshake costs anything.
type boundedListener struct {
	net.Listener
	most int

	mu sync.Mutex
	of map[netip.Prefix]int
}

// BoundPerAddress returns a listener that closes the connections an address opens beyond most. An IPv6 address is a /64,
// which is what one subscriber has (RFC 6177); loopback, and what is no network, has no bound.
func BoundPerAddress(ln net.Listener, most int) net.Listener {
	return &boundedListener{Listener: ln, most: most, of: map[netip.Prefix]int{}}
}

// Accept is net.Listener's.
func (c *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, bounded := addressOf(conn.RemoteAddr())
		if !bounded {
			return conn, nil
		}
		if c.enter(from) {
			return &counted{Conn: conn, boundedListener: c, from: from}, nil
		}
		_ = conn.Close() // whoever opens so many learns it this way
	}
}

func (c *boundedListener) enter(from netip.Prefix) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[from] >= c.most {
		return false
	}
	c.of[from]++
	return true
}

func (c *boundedListener) leave(from netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[from]--; c.of[from] <= 0 {
		delete(c.of, from)
	}
}

// counted is a connection that counts for its address until it is closed.
type counted struct {
	net.Conn
	boundedListener *boundedListener
	from            netip.Prefix
	once            sync.Once
}

// Close is net.Conn's.
func (c *counted) Close() error {
	c.once.Do(func() { c.boundedListener.leave(c.from) })
	return c.Conn.Close()
}

// addressOf is whom a connection counts for; false: nobody.
func addressOf(addr net.Addr) (netip.Prefix, bool) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	if ip = ip.Unmap(); !ok || ip.IsLoopback() {
		return netip.Prefix{}, false
	}
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.Prefix(bits)
	return p, err == nil
}
