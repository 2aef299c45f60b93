package badgerstore

import (
	"syscall"
	"time"
)

// threadTime is the processor's time that the thread took so far: on a machine with other work it tells what a page would take
// on one without.
func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD of getrusage(2)
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
