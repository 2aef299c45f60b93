package egress

import (
	"crypto/tls"
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// origin is a scheme and authority as written in URLs, and fasthttp's pool of the connections to it.
type origin struct {
	destination
	client *Client
	way    *Way        // nil: directly
	addr   string      // dialled, by the proxy if there is one
	tls    *tls.Config // nil for http
	pool   fasthttp.HostClient
	idle   atomic.Int64 // kept connections
	called atomic.Bool  // since sweep was last here
}

func (c *Client) newOrigin(d destination, way *Way) *origin {
	o := &origin{destination: d, client: c, way: way, addr: d.address()}
	if d.https {
		o.tls = way.tls(c.tls)
		o.tls.ServerName = d.serverName()
	}
	o.pool = fasthttp.HostClient{
		Addr:                o.addr,
		DialTimeout:         func(_ string, timeout time.Duration) (net.Conn, error) { return c.connect(o, timeout) },
		MaxConns:            math.MaxInt, // for the caller to bound
		MaxIdleConnDuration: c.set.IdleTimeout,
		ConnPoolStrategy:    fasthttp.LIFO, // so that what a burst needed is closed after it
	}
	return o
}

// origin returns the origin of a URL, and the request's target.
func (c *Client) origin(url string) (*origin, string, error) {
	key, target, err := splitURL(url)
	if err != nil {
		return nil, "", err
	}
	c.mu.RLock()
	o := c.origins[key]
	c.mu.RUnlock()
	if o == nil {
		if o, err = c.addOrigin(key); err != nil {
			return nil, "", err
		}
	}
	if !o.called.Load() { // looked at first, as all calls share it
		o.called.Store(true)
	}
	return o, target, nil
}

func (c *Client) addOrigin(key string) (*origin, error) {
	d, err := parseDestination(key)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.origins[key]; o != nil {
		return o, nil
	}
	rules := c.rules.Load() // under the lock: an origin of rules that were replaced is never added behind their back
	way := rules.way(d.host.authority(d.port))
	if c.set.Dial == nil {
		if err := rules.check(d.host, d.port); err != nil {
			return nil, err
		}
		if way != nil && way.Proxy != nil && !d.host.addr.IsValid() && !rules.portListed(d.port) {
			return nil, rules.refusePort(d.host.name, d.port) // no address will tell better: the proxy resolves it
		}
	}
	o := c.newOrigin(d, way)
	c.origins[key] = o
	if c.sweeper == nil && c.ctx.Err() == nil {
		c.sweeper = time.AfterFunc(c.set.IdleTimeout, c.sweep)
	}
	return o, nil
}

// sweep forgets the origins that were not called since it was last here and have no connection. One that is called at
// this very moment is forgotten all the same: that call ends as it would have, and the pool closes what it keeps. It
// runs every IdleTimeout while there are origins, and not at all while there are none.
func (c *Client) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sweeper == nil {
		return // closed meanwhile
	}
	for key, o := range c.origins {
		if !o.called.Swap(false) && o.pool.ConnsCount() == 0 {
			delete(c.origins, key)
		}
	}
	if len(c.origins) == 0 {
		c.sweeper = nil
		return
	}
	c.sweeper.Reset(c.set.IdleTimeout)
}
