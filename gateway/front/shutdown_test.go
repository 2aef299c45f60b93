package front_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// unasked is a listener from which nobody may accept.
type unasked struct {
	net.Listener
	accepts, closed int
}

func (u *unasked) Accept() (net.Conn, error) { u.accepts++; return nil, io.EOF }
func (u *unasked) Close() error              { u.closed++; return nil }
func (u *unasked) Addr() net.Addr            { return &net.TCPAddr{} }

// A goroutine that is to serve may come to it only after the shutdown, which knows nothing of it then.
func TestWhoeverServesAfterTheShutdownAcceptsNothing(t *testing.T) {
	f := front.New(front.Settings{NoDate: true})
	if err := f.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	ln := new(unasked)
	if err := f.Serve(ln); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if ln.accepts != 0 || ln.closed != 1 {
		t.Errorf("it accepted %d times and was closed %d times, want never and once", ln.accepts, ln.closed)
	}
}
