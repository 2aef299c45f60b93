package gateway

import (
	"os"

	"golang.org/x/sys/unix"
)

// FilesAtHand is for how many open files, connections among them, a gateway has the kernel's table made at once: 8 bytes
// each. Beyond it the table grows when it must.
const FilesAtHand = 1 << 15

// MakeRoomForFiles has the kernel make the table of this process's open files large enough for so many, or for as many as
// may be open (RLIMIT_NOFILE). Linux doubles it as it fills, and where a process has several threads, each time whoever
// opens a file or a connection waits for all processors to have passed through the scheduler (expand_fdtable, fs/file.c):
// 5 to 25 ms at 256, 512, 1024 … open ones. It is best called before much else runs. Where it cannot, nothing is lost.
func MakeRoomForFiles(n int) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	last := min(uint64(n), uint64(limit.Cur)) - 1 //nolint:gosec,unconvert // n is not negative; the limit is signed on FreeBSD
	open, err := os.Open(os.DevNull)
	if err != nil {
		return
	}
	defer open.Close()
	if high, err := unix.FcntlInt(open.Fd(), unix.F_DUPFD_CLOEXEC, int(last)); err == nil { //nolint:gosec // at most n
		_ = unix.Close(high)
	}
}
