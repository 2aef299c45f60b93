package front

import (
	"net"
	"slices"
	"sync"
)

// listeners are the listeners that are served. fasthttp's Shutdown closes those that Serve has come to; whoever comes to it later
// would accept for ever, so none is served that was not entered here before the shutdown began.
type listeners struct {
	mu   sync.Mutex
	open []*closedOnce
	shut bool
}

// closedOnce is a listener that may be closed by both servers that know it, and is once.
type closedOnce struct {
	net.Listener
	close func() error
}

// Close implements net.Listener.
func (d *closedOnce) Close() error { return d.close() }

// enter returns what is to be served for a listener; nil, and it is closed, where the shutdown has begun.
func (d *listeners) enter(ln net.Listener) *closedOnce {
	d.mu.Lock()
	defer d.mu.Unlock()
	entered := &closedOnce{ln, sync.OnceValue(ln.Close)}
	if d.shut {
		_ = entered.Close() // nothing was to come of it
		return nil
	}
	d.open = append(d.open, entered)
	return entered
}

// leave forgets what is served no more.
func (d *listeners) leave(left *closedOnce) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = slices.DeleteFunc(d.open, func(other *closedOnce) bool { return other == left })
}

// close closes all, those included that fasthttp has not heard of, and lets none in any more.
func (d *listeners) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	for _, o := range d.open {
		_ = o.Close() // fasthttp hears of it, and returns it
	}
}
