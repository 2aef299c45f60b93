package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

const (
	segmentSize    = 32 << 20 // bytes of a log, about
	minSegmentSize = 64 << 10 // bytes; where MaxSize is small
	minPeriod      = time.Hour
	segmentsPerAge = 8 // a segment spans at most this part of its retention: what is kept too long, at most
)

// nameLayout orders segments by name; UTC.
const nameLayout = "20060102T150405.000Z"

// family is the history of one kind, metadata or bodies: segments ordered by when they were begun.
type family struct {
	id        string // its name among those of its shelf
	dir       string
	retention time.Duration
	period    int64        // ms that a segment spans at most
	maxLog    int64        // bytes of a segment's log, about
	rows      bool         // its segments have rows
	sealer    *seal.Sealer // of its records' values; nil: they are there as they are
	log       zerolog.Logger

	mu     sync.Mutex
	closed []*segment // oldest first
	active *activeSegment
	began  int64 // Unix ms of the latest segment: names only grow, whatever the clock does
	size   int64 // bytes of the closed ones
}

// activeSegment is the one that is being appended to.
type activeSegment struct {
	path    string
	file    *os.File
	began   int64 // Unix ms
	size    int64
	newest  int64
	offsets map[record.ID]int64
	rows    []byte // only ever appended to, so that who took it may read it; nil: its family has none
	frames  []byte // those written last, for their memory
}

// openFamily opens what is there and closes what a crash left open.
func openFamily(
	dir string, retention time.Duration, maxSize int64, rows bool, sealer *seal.Sealer, log zerolog.Logger,
) (*family, error) {
	if err := errors.Join(os.MkdirAll(dir, 0o700), syncDir(filepath.Dir(dir))); err != nil {
		return nil, err
	}
	f := &family{
		dir: dir, retention: retention, rows: rows, sealer: sealer, log: log, maxLog: segmentSize,
		period: max(retention/segmentsPerAge, minPeriod).Milliseconds(),
	}
	if maxSize > 0 {
		f.maxLog = max(minSegmentSize, min(f.maxLog, maxSize/segmentsPerAge))
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if strings.HasSuffix(n.Name(), newSuffix) { // of an erasure that a crash broke off
			if err := os.Remove(filepath.Join(dir, n.Name())); err != nil {
				return nil, err
			}
			continue
		}
		name, ok := strings.CutSuffix(n.Name(), logSuffix)
		if !ok {
			continue
		}
		begun, err := time.Parse(nameLayout, name)
		if err != nil {
			log.Warn().Str("file", filepath.Join(dir, n.Name())).Msg("not a segment of history, left alone")
			continue
		}
		f.began = begun.UnixMilli()
		if err := f.adopt(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// adopt takes a segment of an earlier run in.
func (f *family) adopt(path string) error {
	seg, err := openSegment(path, f.rows, f.sealer)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, record.ErrFormat) {
		found, scanErr := scanSegment(path, f.rows, f.sealer)
		if scanErr != nil {
			return scanErr
		}
		for _, d := range found.damaged {
			f.log.Warn().Str("file", path+logSuffix).Int64("at", d.from).Int64("bytes", d.to-d.from).
				Msg("a part of history is not whole, left in place")
		}
		seg, err = closeSegment(path, found.offsets, max(found.newest, f.began), found.rows, f.sealer)
	}
	if err == nil {
		f.closed = append(f.closed, seg)
		f.size += seg.size
	}
	return err
}

// append writes records and returns once they survive a power cut.
func (f *family) append(records []historic) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, err := f.writable(time.Now().UnixMilli())
	if err == nil {
		if err = a.append(records, f.sealer); err != nil {
			err = errors.Join(err, f.closeActive()) // what was written of it is not appended to
		}
	}
	if err != nil {
		return fmt.Errorf("writing %d records of history to %s: %w", len(records), f.dir, refused(err))
	}
	return nil
}

func (a *activeSegment) append(records []historic, s *seal.Sealer) error {
	n := 0
	for i := range records {
		n += frameHead + len(records[i].value) + overheadOf(s)
	}
	buf := slices.Grow(a.frames[:0], n)
	if a.frames = nil; cap(buf) <= keptFrame {
		a.frames = buf
	}
	starts := make([]int64, len(records))
	for i := range records {
		starts[i] = a.size + int64(len(buf))
		buf = records[i].append(buf, s)
	}
	if _, err := a.file.WriteAt(buf, a.size); err != nil {
		return err
	}
	if err := a.file.Sync(); err != nil {
		return err
	}
	for i, h := range records {
		a.offsets[h.id] = starts[i]
		if a.rows != nil {
			a.rows = h.row.append(a.rows, starts[i])
		}
		a.newest = max(a.newest, h.finished)
	}
	a.size += int64(len(buf))
	return nil
}

// writable returns a segment to append to, beginning one when there is none or it is full or old.
func (f *family) writable(now int64) (*activeSegment, error) {
	if a := f.active; a != nil && (a.size >= f.maxLog || now-a.began >= f.period) {
		if err := f.closeActive(); err != nil {
			return nil, err
		}
	}
	if f.active != nil {
		return f.active, nil
	}
	began := max(now, f.began+1)
	path := filepath.Join(f.dir, time.UnixMilli(began).UTC().Format(nameLayout))
	file, err := os.OpenFile(path+logSuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	f.began = began
	_, err = file.WriteString(segmentMagic)
	if err == nil {
		err = syncDir(f.dir)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f.active = &activeSegment{
		path: path, file: file, began: began, newest: began,
		size: int64(len(segmentMagic)), offsets: make(map[record.ID]int64),
	}
	if f.rows {
		f.active.rows = []byte{}
	}
	return f.active, nil
}

// closeActive ends the active segment. Where its index cannot be written, the next opening does that.
func (f *family) closeActive() error {
	a := f.active
	f.active = nil
	if a == nil {
		return nil
	}
	closed := a.file.Close() // all that the index names was synced
	seg, err := closeSegment(a.path, a.offsets, a.newest, a.rows, f.sealer)
	if err == nil {
		f.closed = append(f.closed, seg)
		f.size += seg.size
	}
	return errors.Join(closed, err)
}

// find returns a record's value, the newest where there are several; nil when there is none.
func (f *family) find(id record.ID) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.active; a != nil {
		if at, ok := a.offsets[id]; ok {
			h, _, err := readFrame(a.file, at, f.sealer)
			return h.value, err
		}
	}
	for _, seg := range slices.Backward(f.closed) {
		if value, err := seg.find(id); value != nil || err != nil {
			return value, err
		}
	}
	return nil, nil
}

func (f *family) bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.size
	if f.active != nil {
		n += f.active.size
	}
	return n
}

// oldest returns when the oldest closed segment was begun.
func (f *family) oldest() (began int64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.closed) == 0 {
		return 0, false
	}
	return f.closed[0].began, true
}

// dropOldest takes the oldest closed segment out; nil: there is none. Its files are for the caller to remove.
func (f *family) dropOldest() *segment {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.closed) == 0 {
		return nil
	}
	seg := f.closed[0]
	f.closed = f.closed[1:]
	f.size -= seg.size
	return seg
}

// dropExpired closes the active segment when its period is over, and takes out those whose newest record is older than the
// retention. Their files are for the caller to remove: nobody who reads or writes waits for that.
func (f *family) dropExpired(now int64) (expired []*segment, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.active; a != nil && now-a.began >= f.period {
		err = f.closeActive()
	}
	f.closed = slices.DeleteFunc(f.closed, func(seg *segment) bool {
		if seg.newest+f.retention.Milliseconds() > now {
			return false
		}
		f.size -= seg.size
		expired = append(expired, seg)
		return true
	})
	return expired, err
}

func (f *family) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closeActive()
}
