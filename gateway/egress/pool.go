package egress

import (
	"slices"
	"sync"
	"time"
)

// pool is the connections of an origin that are not in use. It has no goroutine of its own, as fasthttp's HostClient has one
// for each destination called of late, which may be very many: Client.sweep closes what is unused for too long. The zero pool is
// empty.
type pool struct {
	mu     sync.Mutex
	unused []*conn // by when they were used last, which goes first: what only a burst needed is closed after it
	open   int     // connections, in use or not, those being made included
	closed bool    // nothing is kept any more
}

// acquire returns the connection that was used last, or makes one.
func (o *origin) acquire(timeout time.Duration) (*conn, error) {
	p := &o.pool
	p.mu.Lock()
	if last := len(p.unused) - 1; last >= 0 {
		cn := p.unused[last]
		p.unused[last] = nil
		p.unused = p.unused[:last]
		p.mu.Unlock()
		return cn, nil
	}
	p.open++
	p.mu.Unlock()
	cn, err := o.client.connectWithin(o, timeout)
	if err != nil {
		p.left(1)
		return nil, err
	}
	return cn, nil
}

// giveBack keeps a connection for the next call, if it may be used again and there is room to keep it, else closes it.
func (cn *conn) giveBack(reusable bool) {
	p := &cn.origin.pool
	p.mu.Lock()
	kept := reusable && !p.closed && cn.keep()
	if kept {
		cn.used = time.Now()
		p.unused = append(p.unused, cn)
	}
	p.mu.Unlock()
	if !kept {
		cn.discard()
		return
	}
	cn.origin.client.keepFew(cn)
}

// discard closes a connection that was acquired.
func (cn *conn) discard() {
	cn.origin.pool.left(1)
	_ = cn.Close()
}

// drop closes a connection that is not in use; false: it is, or was closed.
func (p *pool) drop(cn *conn) bool {
	p.mu.Lock()
	i := slices.Index(p.unused, cn)
	if i < 0 {
		p.mu.Unlock()
		return false
	}
	p.unused = slices.Delete(p.unused, i, i+1)
	p.open--
	p.mu.Unlock()
	_ = cn.Close()
	return true
}

// left notes that so many connections are no more.
func (p *pool) left(n int) {
	p.mu.Lock()
	p.open -= n
	p.mu.Unlock()
}

// closeUnused closes the connections that were not used since an instant. It returns how many are open, and when the oldest of
// those that are not in use was used last; zero: there is none.
func (p *pool) closeUnused(since time.Time) (open int, oldest time.Time) {
	p.mu.Lock()
	n := 0
	for n < len(p.unused) && !p.unused[n].used.After(since) {
		n++
	}
	var over []*conn
	if n > 0 {
		over = slices.Clone(p.unused[:n])
		p.unused = slices.Delete(p.unused, 0, n)
		p.open -= n
	}
	if len(p.unused) > 0 {
		oldest = p.unused[0].used
	} else {
		p.unused = nil // of hosts there are many
	}
	open = p.open
	p.mu.Unlock()
	for _, cn := range over {
		_ = cn.Close()
	}
	return open, oldest
}

// close closes the connections that are not in use, and has the others closed when they come free.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.closeUnused(time.Now())
}

// closeUnconnected closes a pool that has no connection and makes none, and reports whether it did. A call that is about to make
// one has it closed when it ends.
func (p *pool) closeUnconnected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = p.closed || p.open == 0
	return p.open == 0
}
