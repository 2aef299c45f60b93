package server

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// flushAfter is how long a line waits at most before it is written.
	flushAfter = 100 * time.Millisecond
	// flushAt is how many bytes may wait before a call writes them itself, so that a slow disk slows the calls down
	// instead of filling the memory.
	flushAt = 128 << 10
)

// logbook writes one line per call, many at a time. Nothing runs while no line waits.
type logbook struct {
	writing sync.Mutex // held while w is written to; taken before mu
	w       io.Writer
	spare   []byte // the buffer written last, to be filled next

	mu    sync.Mutex
	lines []byte
	armed bool // a flush will come
	err   error
}

func newLogbook(w io.Writer) *logbook { return &logbook{w: w} }

// add appends a call's line. After an error nothing more is written: a log with a hole in it would mislead.
func (l *logbook) add(now time.Time, c *call, status int) {
	l.mu.Lock()
	if l.err == nil {
		l.lines = appendLine(l.lines, now, c, status)
	}
	full := len(l.lines) >= flushAt
	if !l.armed && len(l.lines) > 0 {
		l.armed = true
		time.AfterFunc(flushAfter, func() { _ = l.flush() }) // the error is kept for the last flush
	}
	l.mu.Unlock()
	if full {
		_ = l.flush()
	}
}

// flush writes what waits, and returns the first error met in all writing so far.
func (l *logbook) flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	lines, err := l.lines, l.err
	l.lines, l.spare, l.armed = l.spare[:0], nil, false
	l.mu.Unlock()
	if err != nil || len(lines) == 0 {
		l.spare = lines
		return err
	}
	if _, err = l.w.Write(lines); err != nil {
		err = fmt.Errorf("write the log of calls: %w", err)
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
	}
	l.spare = lines
	return err
}

// appendLine appends {time_ns, webhook_id, method, path, status, size, sha256}: Unix ns; the webhook-id as sent or an
// empty string; path and query as sent; size and digest of the body. Bytes that are no UTF-8 become U+FFFD.
func appendLine(b []byte, now time.Time, c *call, status int) []byte {
	b = append(b, `{"time_ns":`...)
	b = strconv.AppendInt(b, now.UnixNano(), 10)
	b = append(b, `,"webhook_id":`...)
	b = appendText(b, c.id)
	b = append(b, `,"method":`...)
	b = appendText(b, c.method)
	b = append(b, `,"path":`...)
	b = appendText(b, c.target)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, int64(c.size), 10)
	b = append(b, `,"sha256":"`...)
	b = hex.AppendEncode(b, c.sum[:])
	return append(b, "\"}\n"...)
}

func appendText(b, text []byte) []byte {
	quoted, _ := jsontext.AppendQuote(b, text) // fails only to say that it replaced bytes
	return quoted
}
