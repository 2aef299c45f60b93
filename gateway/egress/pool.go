package egress

import (
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// origin is a scheme and authority as written in URLs, and the connections kept to it.
type origin struct {
	destination
	addr  string      // dialled
	tls   *tls.Config // nil for http
	calls atomic.Int64

	mu   sync.Mutex
	kept []*conn // unused; the one used last is the last
}

// conn is a connection to an origin.
type conn struct {
	net.Conn
	probe probe
	since time.Time // unused since
}

// origin returns the origin of a URL, counted as called until its calls is lowered again, and the request's target.
func (c *Client) origin(url string) (*origin, string, error) {
	key, target, err := splitURL(url)
	if err != nil {
		return nil, "", err
	}
	c.mu.RLock()
	o := c.origins[key]
	if o != nil {
		o.calls.Add(1) // under the lock, so that sweep does not take it for forgotten
	}
	c.mu.RUnlock()
	if o != nil {
		return o, target, nil
	}
	d, err := parseDestination(key)
	if err != nil {
		return nil, "", err
	}
	if c.set.Dial == nil {
		if err := c.guard.check(d.host, d.port); err != nil {
			return nil, "", err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o = c.origins[key]; o == nil {
		o = &origin{destination: d, addr: d.address()}
		if d.https {
			o.tls = c.tls.Clone()
			o.tls.ServerName = d.serverName()
		}
		c.origins[key] = o
		if c.sweeper == nil && c.ctx.Err() == nil {
			c.sweeper = time.AfterFunc(c.set.IdleTimeout/4, c.sweep)
		}
	}
	o.calls.Add(1)
	return o, target, nil
}

// takeKept takes a kept connection that is still open, or nil. One that was closed by the other side, or on which it
// said something unasked, is seen before a request is trusted to it; that leaves the ambiguous case, a connection that
// drops under a request, to those closed in that very moment.
func (c *Client) takeKept(o *origin) *conn {
	for {
		o.mu.Lock()
		n := len(o.kept) - 1
		if n < 0 {
			o.mu.Unlock()
			return nil
		}
		cn := o.kept[n]
		o.kept[n] = nil
		o.kept = o.kept[:n]
		o.mu.Unlock()
		c.idle.Add(-1)
		if !cn.probe.stale() {
			return cn
		}
		c.drop(cn)
	}
}

// keep puts a connection back, if there is room.
func (c *Client) keep(o *origin, cn *conn) {
	cn.since = time.Now()
	if c.idle.Add(1) <= int64(c.set.MaxIdle) {
		o.mu.Lock()
		if len(o.kept) < c.set.MaxIdlePerHost {
			o.kept = append(o.kept, cn)
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
	}
	c.idle.Add(-1)
	c.drop(cn)
}

// drop closes a connection.
func (c *Client) drop(cn *conn) {
	c.mu.Lock()
	delete(c.live, cn)
	c.mu.Unlock()
	_ = cn.Close() // nothing is to be learned from it
}

// takeIdle takes all kept connections.
func (o *origin) takeIdle() []*conn {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.kept
	o.kept = nil
	return kept
}

// takeUnused takes those unused since before an instant.
func (o *origin) takeUnused(before time.Time) []*conn {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for n < len(o.kept) && o.kept[n].since.Before(before) {
		n++
	}
	old := slices.Clone(o.kept[:n])
	o.kept = slices.Delete(o.kept, 0, n)
	return old
}

// sweep closes what was unused for IdleTimeout and forgets origins without connections and calls. It runs four times
// in that time while there are origins, and not at all while there are none.
func (c *Client) sweep() {
	before := time.Now().Add(-c.set.IdleTimeout)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sweeper == nil {
		return // closed meanwhile
	}
	for key, o := range c.origins {
		for _, cn := range o.takeUnused(before) {
			c.idle.Add(-1)
			delete(c.live, cn)
			_ = cn.Close()
		}
		o.mu.Lock()
		if len(o.kept) == 0 && o.calls.Load() == 0 {
			delete(c.origins, key)
		}
		o.mu.Unlock()
	}
	if len(c.origins) == 0 {
		c.sweeper = nil
		return
	}
	c.sweeper.Reset(c.set.IdleTimeout / 4)
}
