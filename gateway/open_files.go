package gateway

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/gateway/egress"
)

// FilesAtHand is for how many open files, connections among them, a gateway has the kernel's table made at once: 8 bytes
// each. Beyond it the table grows when it must.
const FilesAtHand = 1 << 15

// fewestFiles is how many files a process must be allowed to have open for a gateway to start: below it, not much would be left beside
// those of the store.
const fewestFiles = 256

// openFiles returns how many files this process may have open (RLIMIT_NOFILE); Go has raised that to what the system allows.
func openFiles() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("asking how many files may be open: %w", err)
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)), nil //nolint:gosec,unconvert // the limit is signed on FreeBSD
}

// places are how many files are open at most for what there may be many of.
type places struct {
	connections int // at the front door
	calls       int // under way
	kept        int // connections to destinations beside those of calls, at least; any that calls leave are kept, too
}

// storeFiles is how many are the store's at least: its want of one would end the gateway.
const storeFiles = 96

// within lowers them to what the files that may be open allow: an eighth is the store's, another is for kept connections, and of the
// rest two thirds are for calls, and what they leave is the door's.
func (p places) within(files int) places {
	p.kept = min(p.kept, files/8)
	room := files - max(files/8, storeFiles) - p.kept
	p.calls = min(p.calls, room*2/3)
	p.connections = min(p.connections, room-p.calls)
	return p
}

// fitFiles has the gateway keep within the files that may be open.
func (g *Gateway) fitFiles() error {
	files, err := openFiles()
	if err != nil {
		return err
	}
	if files < fewestFiles {
		return fmt.Errorf("%d files may be open, which are too few: want at least %d (ulimit -n, or LimitNOFILE= of a unit)", files, fewestFiles)
	}
	all := places{
		connections: g.set.Config.Connections.Max, calls: g.set.Config.Egress.MaxInFlight, kept: egress.DefaultMaxIdle,
	}
	g.places = all.within(files)
	if g.places.connections < all.connections || g.places.calls < all.calls {
		g.log.Warn().Int("files", files).Int("connections", g.places.connections).Int("calls", g.places.calls).
			Msg("few files may be open: there are fewer connections or calls at once than connections.max and egress.max_in_flight allow")
	}
	return nil
}

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
