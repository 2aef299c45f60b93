package front

import (
	"net"
	"slices"
	"sync"
)

// doors are the listeners that are served. fasthttp's Shutdown closes those that Serve has come to; whoever comes to it later
// would accept for ever, so none is served that was not entered here before the shutdown began.
type doors struct {
	mu   sync.Mutex
	open []*door
	shut bool
}

// door is a listener that may be closed by both servers that know it, and is once.
type door struct {
	net.Listener
	close func() error
}

// Close implements net.Listener.
func (d *door) Close() error { return d.close() }

// enter returns what is to be served for a listener; nil, and it is closed, where the shutdown has begun.
func (d *doors) enter(ln net.Listener) *door {
	d.mu.Lock()
	defer d.mu.Unlock()
	entered := &door{ln, sync.OnceValue(ln.Close)}
	if d.shut {
		_ = entered.Close() // nothing was to come of it
		return nil
	}
	d.open = append(d.open, entered)
	return entered
}

// leave forgets what is served no more.
func (d *doors) leave(left *door) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = slices.DeleteFunc(d.open, func(other *door) bool { return other == left })
}

// close closes all, those included that fasthttp has not heard of, and lets none in any more.
func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	for _, o := range d.open {
		_ = o.Close() // fasthttp hears of it, and returns it
	}
}
