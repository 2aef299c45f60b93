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
)

const (
	// lookEvery is how often a file is looked at, at most: what was put there is sent within that time.
	lookEvery = time.Second
	// maxValue bounds a value, in bytes; servers take some 8 KiB of headers in all.
	maxValue = 8 << 10
)

// file is a value that stands in a file, alone in one line. It is read again when the file has changed; while it cannot
// be read, or holds no value, the last one goes on: whoever replaces it in two steps does no harm.
type file struct {
	path string

	mu     sync.Mutex
	looked time.Time
	stamp  stamp
	line   string
	err    error
}

// stamp tells one content of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

func (f *file) value(time.Duration) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); f.looked.IsZero() || now.Sub(f.looked) >= lookEvery || now.Before(f.looked) {
		f.looked = now
		f.look()
	}
	if f.line == "" {
		return "", f.err
	}
	return f.line, nil
}

func (f *file) refused(value string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked, f.stamp = time.Now(), stamp{} // however little time has passed, and whatever its date says
	f.look()
	return f.line != value
}

// look reads the file if it is not the one that was read. The lock is held over it: it is a file of some bytes, and
// everyone who waits needs what it says.
func (f *file) look() {
	info, err := os.Stat(f.path)
	if err != nil {
		f.err = fmt.Errorf("its file %s: %w", f.path, plain(err))
		return
	}
	is := stamp{info.ModTime(), info.Size()}
	if is == f.stamp {
		return
	}
	line, err := ReadValue(f.path)
	if err != nil {
		f.err = err
		return
	}
	f.line, f.stamp, f.err = line, is, nil
}

// ReadValue reads a file that holds one line, a header's value or a secret. Its errors do not tell the content.
func ReadValue(path string) (string, error) {
	in, err := os.Open(path)
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
