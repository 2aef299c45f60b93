package egress

import (
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection to an origin.
type conn struct {
	net.Conn
	origin *origin
	probe  probe
	used   time.Time   // when its last exchange ended; zero: it had none yet
	kept   atomic.Bool // counted as unused
	failed error       // what reading ended with; fasthttp does not always hand it on
}

// connectWithin connects, and keeps all connections within MaxOpen: where as many are open, one that is not in use makes room.
func (c *Client) connectWithin(o *origin, timeout time.Duration) (*conn, error) {
	c.connecting.Add(1)
	defer c.connecting.Add(-1)
	for range 3 { // whichever is chosen may be needed itself just then
		if cn := c.spare(); cn == nil || cn.origin.pool.drop(cn) {
			break
		}
	}
	return c.connect(o, timeout)
}

// spare returns a connection that is not in use, if more would be open with those being made than may be.
func (c *Client) spare() *conn {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.set.MaxOpen <= 0 || int64(len(c.live))+c.connecting.Load() <= int64(c.set.MaxOpen) || c.idle.Load() == 0 {
		return nil
	}
	for cn := range c.live { // which begins anywhere, and many are not in use: MaxOpen is more than are in use
		if cn.kept.Load() {
			return cn
		}
	}
	return nil
}

// keepFew closes a connection that is not in use where more are kept than may be: any, if it is found soon, else the last one that was
// kept. What was used just now is the likeliest to be used again.
func (c *Client) keepFew(last *conn) {
	if c.idle.Load() <= int64(c.set.MaxIdle) {
		return
	}
	const mostLooks = 64
	other, looks := last, 0
	c.mu.RLock()
	for cn := range c.live { // which begins anywhere
		if cn != last && cn.kept.Load() {
			other = cn
			break
		}
		if looks++; looks == mostLooks {
			break
		}
	}
	c.mu.RUnlock()
	other.origin.pool.drop(other)
}

// track makes a connection known to Close.
func (c *Client) track(cn *conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return errCanceled
	}
	c.live[cn] = struct{}{}
	return nil
}

func (cn *conn) Read(p []byte) (int, error) {
	n, err := cn.Conn.Read(p)
	if err != nil {
		cn.failed = err
	}
	return n, err
}

// Close closes the connection, whoever asks: an exchange, Client.sweep, or Client.Close.
func (cn *conn) Close() error {
	cn.take()
	c := cn.origin.client
	c.mu.Lock()
	delete(c.live, cn)
	c.mu.Unlock()
	return cn.Conn.Close()
}

// keep reports whether there is room to keep the connection among its host's, and counts it then.
func (cn *conn) keep() bool {
	o, c := cn.origin, cn.origin.client
	if c.ctx.Err() != nil {
		return false
	}
	c.idle.Add(1)
	here := o.idle.Add(1)
	cn.kept.Store(true)
	if here > int64(c.set.MaxIdlePerHost) {
		cn.take()
		return false
	}
	return true
}

// take counts a kept connection as kept no longer.
func (cn *conn) take() {
	if cn.kept.CompareAndSwap(true, false) {
		cn.origin.idle.Add(-1)
		cn.origin.client.idle.Add(-1)
	}
}
