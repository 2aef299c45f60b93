package credential

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/sluice-gateway/sluice/gateway/namedfile"
)

const (
	// lookEvery is how often a file is looked at, at most: what was put there is sent within that time.
	lookEvery = time.Second
	// maxValue bounds a value, in bytes; servers take some 8 KiB of headers in all.
	maxValue = 8 << 10
)

// lookPatience is how long a call waits for a file to be looked at while there is a value that it was read with: a file system
// that does not answer holds nobody up for longer, and no call that begins after that.
const lookPatience = 100 * time.Millisecond

// file is a value that stands in a file, alone in one line. It is read again when the file has changed; while it cannot
// be read, or holds no value, the last one goes on: whoever replaces it in two steps does no harm.
type file struct {
	path string
	read func(path string, was stamp) (line string, is stamp, err error) // nil: readChanged

	mu     sync.Mutex    // never held over the file
	looked time.Time     // when the last look began
	flight chan struct{} // closed when the look under way has ended; nil: there is none
	stamp  stamp
	line   string
	err    error
}

// stamp tells one content of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

func (f *file) value(within time.Duration) (string, error) {
	f.mu.Lock()
	now := time.Now()
	if f.flight == nil && (f.looked.IsZero() || now.Sub(f.looked) >= lookEvery || now.Before(f.looked)) {
		f.look(now)
	}
	flight, patience := f.flight, within
	if f.line != "" {
		patience = min(within, lookPatience-now.Sub(f.looked))
	}
	f.mu.Unlock()
	ended := await(flight, patience)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.line != "":
		return f.line, nil
	case !ended:
		return "", fmt.Errorf("its file %s could not be read in time", f.path)
	}
	return "", f.err
}

// refused looks at the file however little time has passed, and whatever its date says.
func (f *file) refused(value string) bool {
	for range 2 { // a look that is under way may have begun before the file was changed
		f.mu.Lock()
		joined := f.flight != nil
		if !joined {
			f.stamp = stamp{}
			f.look(time.Now())
		}
		flight := f.flight
		f.mu.Unlock()
		ended := await(flight, lookPatience)
		f.mu.Lock()
		other := f.line != value
		f.mu.Unlock()
		if other || !joined || !ended {
			return other
		}
	}
	return false
}

// await waits for a look to end, and reports whether it has.
func await(flight <-chan struct{}, patience time.Duration) bool {
	if flight == nil {
		return true
	}
	late := time.NewTimer(max(0, patience))
	defer late.Stop()
	select {
	case <-flight:
		return true
	case <-late.C:
		return false
	}
}

// look begins to look at the file, on a goroutine of its own. Called with f.mu held, while no look is under way.
func (f *file) look(now time.Time) {
	read := f.read
	if read == nil {
		read = readChanged
	}
	flight, was := make(chan struct{}), f.stamp
	f.looked, f.flight = now, flight
	go func() {
		line, is, err := read(f.path, was)
		f.mu.Lock()
		defer f.mu.Unlock()
		switch {
		case err != nil:
			f.err = err
		case is != was:
			f.line, f.stamp, f.err = line, is, nil
		}
		f.flight = nil
		close(flight)
	}()
}

// readChanged reads a file unless it is the one that was read.
func readChanged(path string, was stamp) (line string, is stamp, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", was, fmt.Errorf("its file %s: %w", path, plain(err))
	}
	is = stamp{info.ModTime(), info.Size()}
	if is != was {
		line, err = ReadValue(path)
	}
	return line, is, err
}

// ReadValue reads a file that holds one line, a header's value or a secret. Its errors do not tell the content.
func ReadValue(path string) (string, error) {
	in, err := namedfile.Open(path)
	if err != nil {
		return "", fmt.Errorf("its file %s: %w", path, plain(err))
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxValue+2))
	line := bytes.TrimRight(text, "\r\n")
	switch {
	case err != nil:
		return "", fmt.Errorf("its file %s: %w", path, plain(err))
	case len(line) == 0:
		return "", fmt.Errorf("its file %s is empty: want one line", path)
	case len(line) > maxValue:
		return "", fmt.Errorf("its file %s is too long: want one line of at most %d bytes", path, maxValue)
	case bytes.ContainsAny(line, "\r\n") || !httpguts.ValidHeaderFieldValue(string(line)):
		return "", fmt.Errorf("its file %s has more than one line, or a control character: want one line of text", path)
	}
	return string(line), nil
}

// plain is an error of the file system without the path, which is told beside it.
func plain(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}
