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

// keep reports whether there is room to keep the connection, and counts it then.
func (cn *conn) keep() bool {
	o, c := cn.origin, cn.origin.client
	if c.ctx.Err() != nil {
		return false
	}
	all, here := c.idle.Add(1), o.idle.Add(1)
	cn.kept.Store(true)
	if all > int64(c.set.MaxIdle) || here > int64(c.set.MaxIdlePerHost) {
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
