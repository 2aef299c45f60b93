package egress

import (
	"crypto/tls"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// origin is a scheme and authority as written in URLs, and the connections to it.
type origin struct {
	destination
	key    string // in Client.origins
	client *Client
	way    *Way        // nil: directly
	addr   string      // dialled, by the proxy if there is one
	tls    *tls.Config // nil for http
	pool   pool
	idle   atomic.Int64 // kept connections
	called atomic.Bool  // since sweep last looked for those to forget
}

func (c *Client) newOrigin(key string, d destination, way *Way) *origin {
	o := &origin{destination: d, key: key, client: c, way: way, addr: d.address()}
	if d.https {
		o.tls = way.tls(c.tls)
		o.tls.ServerName = d.serverName()
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
	o := c.newOrigin(key, d, way)
	c.forgetUnconnected()
	c.origins[key] = o
	if c.sweeper == nil && c.ctx.Err() == nil {
		c.sweeper = time.AfterFunc(c.set.IdleTimeout, c.sweep)
	}
	return o, nil
}

// Origins without a connection are kept as long as there are few: they spare the look at their authority. Where very many hosts are
// called in turn, most have none, and are made anew for each call as their connections are.
const (
	fewOrigins = 1 << 12
	// unconnectedLooks is how many origins are looked at, to be forgotten, whenever one more is added to many: so those without
	// a connection stay fewer than half of those with one.
	unconnectedLooks = 4
)

// forgetUnconnected forgets some origins that have no connection, if there are many. Called with the lock held.
func (c *Client) forgetUnconnected() {
	if len(c.origins) < fewOrigins {
		return
	}
	looks := 0
	for key, o := range c.origins { // which begins anywhere
		if o.pool.closeUnconnected() {
			delete(c.origins, key)
		}
		if looks++; looks == unconnectedLooks {
			return
		}
	}
}

// sweepEvery is how often unused connections are looked at, at most, as a part of IdleTimeout: a connection stays open for at
// most that much longer.
const sweepEvery = 30

// sweep closes the connections that were not used for IdleTimeout, and forgets the origins that have none and were not called for
// as long. One that is called at this very moment is forgotten all the same: that call ends as it would have, and its connection
// with it. It runs while there are origins, and not at all while there are none.
func (c *Client) sweep() {
	c.mu.RLock()
	origins := slices.Collect(maps.Values(c.origins))
	c.mu.RUnlock()
	now := time.Now()
	next := now.Add(c.set.IdleTimeout)
	forgetting := !now.Before(c.forgetAt)
	var forgotten []*origin
	for _, o := range origins {
		open, oldest := o.pool.closeUnused(now.Add(-c.set.IdleTimeout))
		if at := oldest.Add(c.set.IdleTimeout); !oldest.IsZero() && at.Before(next) {
			next = at
		}
		if forgetting && !o.called.Swap(false) && open == 0 {
			forgotten = append(forgotten, o)
		}
	}
	if forgetting {
		c.forgetAt = now.Add(c.set.IdleTimeout)
	}
	c.forget(forgotten)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.sweeper == nil: // closed meanwhile
	case len(c.origins) == 0:
		c.sweeper = nil
	default:
		c.sweeper.Reset(max(next.Sub(now), c.set.IdleTimeout/sweepEvery))
	}
}

// forget forgets origins, and closes their connections as they come free.
func (c *Client) forget(origins []*origin) {
	if len(origins) == 0 {
		return
	}
	c.mu.Lock()
	for _, o := range origins {
		if c.origins[o.key] == o {
			delete(c.origins, o.key)
		}
	}
	c.mu.Unlock()
	for _, o := range origins {
		o.pool.close()
	}
}
