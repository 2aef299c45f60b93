package front

import (
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// exhausted is a listener that cannot accept for some time, and is closed then.
type exhausted struct {
	net.Listener
	until time.Time
	asked int
}

func (e *exhausted) Accept() (net.Conn, error) {
	e.asked++
	if time.Now().Before(e.until) {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return nil, net.ErrClosed
}

func (e *exhausted) Addr() net.Addr { return &net.TCPAddr{} }

func TestTheFrontDoorOutlivesAWantOfFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		e := &exhausted{until: began.Add(time.Minute)}
		p := &retryingListener{e, zerolog.Nop()}
		if _, err := p.Accept(); err != net.ErrClosed { //nolint:errorlint // it is passed on as it is
			t.Errorf("it ends with %v", err)
		}
		if took := time.Since(began); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("it goes on after %s, want within a second of files being at hand again", took)
		}
		if e.asked > 100 {
			t.Errorf("it asked %d times in a minute", e.asked)
		}
	})
}
