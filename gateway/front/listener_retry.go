package front

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// retryingListener is a listener that goes on where no connection can be accepted for the moment, as when every file that the process may
// open is open: others wait in the kernel's queue until one is closed. fasthttp would end its server.
type retryingListener struct {
	net.Listener
	log zerolog.Logger
}

// What Accept waits before it is tried again, doubling.
const (
	acceptAgain    = 5 * time.Millisecond
	acceptAgainMax = time.Second
)

// Accept is net.Listener's.
func (l *retryingListener) Accept() (net.Conn, error) {
	for wait := acceptAgain; ; wait = min(2*wait, acceptAgainMax) {
		conn, err := l.Listener.Accept()
		if err == nil || !passes(err) {
			if err == nil && wait > acceptAgain {
				l.log.Info().Stringer("listen", l.Addr()).Msg("connections are accepted again")
			}
			return conn, err
		}
		if wait == acceptAgain {
			l.log.Error().Err(err).Stringer("listen", l.Addr()).Msg("no connection can be accepted; it is tried again")
		}
		time.Sleep(wait)
	}
}

// passes reports whether an error of accept(2) is of this connection or of the moment, not of the listener.
func passes(err error) bool {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPROTO, syscall.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
