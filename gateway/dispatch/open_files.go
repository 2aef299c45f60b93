package dispatch

import (
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// wantsFiles reports whether a call could not begin because this process, or this machine, has no file left to open. That says
// nothing of the destination: no try is spent on it, and it counts for no breaker.
func wantsFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// sayEvery is how often a want of files is told.
const sayEvery = 10 * time.Second

// wanting tells of a want of files, not for every call.
type wanting struct{ told atomic.Int64 } // Unix ms

func (w *wanting) say(log zerolog.Logger, now time.Time, err error) {
	told := w.told.Load()
	if now.UnixMilli()-told >= sayEvery.Milliseconds() && w.told.CompareAndSwap(told, now.UnixMilli()) {
		log.Error().Err(err).Msg("no call can begin for want of open files; they are tried again: raise the limit, or lower egress.max_in_flight")
	}
}
