package badgerstore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/sluice-gateway/sluice/persist"
)

// The journal is where webhooks are written when they are accepted, and most never go anywhere else: one that ends
// soon leaves no row in the live database. It is a row of files of frames (journal_frame.go), each named by its number, in
// hexadecimal.
//
// When a file is full the next one is begun, and what is still live of it is moved to the live database (spill.go).
// Files go from the oldest on, so that no webhook outlives the record that it is gone. One is kept to be written over:
// a sync need not wait for the file system to note that a file has grown.
const (
	journalSuffix = ".journal"
	damagedSuffix = ".damaged" // behind a file's name: it was set aside
	spareName     = "spare"

	journalSize = 8 << 20 // bytes of a file, about
	journalPuts = 1 << 14 // webhooks in a file, one group more at most: what memory knows of them is some 3 MiB
	// journalFiles is how many files there may be until what is accepted goes to the live database at once: a backlog
	// grows that would have to be moved there anyway, and moving has fallen behind.
	journalFiles = 4
	// journalBytes is the same for all files together: opening reads them, and a file ends with any group, however large.
	journalBytes = (journalFiles + 1) * journalSize
)

type journal struct {
	dir   string
	limit int64          // bytes from which on a file is full: journalSize, but in tests
	files []*journalFile // oldest first; the last one is appended to
	begun uint64         // number of the latest file
	bytes atomic.Int64   // of all files
}

// journalFile is one file. Only the committer changes it; file may be read by anyone until it is closed.
type journalFile struct {
	number  uint64
	salt    uint64
	path    string
	file    *os.File
	size    int64
	room    int64 // up to here the file is there already: what is written before it makes it no longer
	spoilt  bool  // an append failed: nothing more is written to it
	damaged bool  // some of it could not be read: it is set aside, not written over

	entries []*freshEntry // accepted in it, in order
	next    int           // entries before it are gone
}

// appendFrame writes a frame and returns when it survives a power cut, with where it begins. After a failed sync the
// kernel may take for written what is not, so the file is never synced again: what follows goes to another. limit is
// from where on nothing more is written to it.
func (f *journalFile) appendFrame(b, clock []byte, limit int64) (at int64, err error) {
	endFrame(b, f.salt, clock)
	at = f.size
	if _, err = f.file.WriteAt(b, at); err == nil {
		f.grow(at+int64(len(b)), limit)
		err = syncData(f.file)
	}
	if err != nil {
		f.spoilt = true
		return 0, errors.Join(err, f.file.Truncate(at)) // whoever waits is told that nothing was stored
	}
	f.size += int64(len(b))
	return at, nil
}

// journalStep is by how many bytes a file grows at once, as far as it is to be written. A sync that has to note that a
// file has grown takes two to ten times as long as one of a file that is written over.
const journalStep = 256 << 10

// zeroes are what a file grows by: no frame begins with them.
var zeroes [journalStep]byte

// grow makes room behind the end of a frame that needed more than there was.
func (f *journalFile) grow(end, limit int64) {
	if end <= f.room {
		return
	}
	f.room = end
	more := min(journalStep, limit-end)
	if more <= 0 {
		return
	}
	if _, err := f.file.WriteAt(zeroes[:more], end); err == nil { // else the next frame makes the file grow by itself
		f.room += more
	}
}

// writable returns the file to append to, beginning one where there is none or the last is full.
func (j *journal) writable() (*journalFile, error) {
	if f := j.active(); f != nil && !f.spoilt && f.size < j.limit && len(f.entries) < journalPuts {
		return f, nil
	}
	f, err := j.begin()
	if err != nil {
		return nil, err
	}
	j.files = append(j.files, f)
	j.bytes.Add(f.size)
	return f, nil
}

// begin makes the next file, of the spare one where there is one. Its head is durable before its name is: a file
// without one is damaged.
func (j *journal) begin() (*journalFile, error) {
	h := fileHead{number: j.begun + 1}
	if f := j.active(); f != nil {
		h.before = f.size
	}
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	h.salt = binary.BigEndian.Uint64(salt[:])
	spare, path := filepath.Join(j.dir, spareName), j.path(h.number)
	file, err := os.OpenFile(spare, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		_, err = file.WriteAt(h.append(nil), 0)
	}
	if err == nil {
		err = syncData(file)
	}
	if err == nil {
		err = os.Rename(spare, path)
	}
	if err == nil {
		err = syncDir(j.dir)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	j.begun = h.number
	return &journalFile{
		number: h.number, salt: h.salt, path: path, file: file, size: int64(fileHeadSize), room: info.Size(),
	}, nil
}

// behind reports that nothing more is to be accepted into the journal for now.
func (j *journal) behind() bool { return len(j.files) > journalFiles || j.bytes.Load() > journalBytes }

func (j *journal) active() *journalFile {
	if len(j.files) == 0 {
		return nil
	}
	return j.files[len(j.files)-1]
}

// append writes a group's records and returns where they are.
func (j *journal) append(frame, clock []byte) (*journalFile, int64, error) {
	f, err := j.writable()
	if err != nil {
		return nil, 0, fmt.Errorf("beginning a file of the journal in %s: %w", j.dir, refused(err))
	}
	at, err := f.appendFrame(frame, clock, j.limit)
	if err != nil {
		return nil, 0, fmt.Errorf("appending %d bytes to %s: %w", len(frame), f.path, refused(err))
	}
	j.bytes.Add(int64(len(frame)))
	return f, at, nil
}

// refused says what it means that the disk did not take something: a quota's end comes before the floor that Options sets.
func refused(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", persist.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", persist.ErrUnwritable, err)
}

// retireOldest makes the oldest file the spare one. What is gone of it is told in the files behind it, so they must
// outlive it: its name is gone for good before the next may go. Nobody reads it any more: see fresh.payload.
func (j *journal) retireOldest() error {
	f := j.files[0]
	to := filepath.Join(j.dir, spareName)
	if f.damaged {
		to = f.path + damagedSuffix
	}
	if err := os.Rename(f.path, to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := syncDir(j.dir); err != nil {
		return err
	}
	j.files[0], f.entries = nil, nil // what memory knew of it
	j.files = j.files[1:]
	j.bytes.Add(-f.size)
	return f.file.Close()
}

func (j *journal) close() error {
	var errs []error
	for _, f := range j.files {
		errs = append(errs, f.file.Close())
	}
	j.files = nil
	return errors.Join(errs...)
}

func (j *journal) path(number uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("%016x%s", number, journalSuffix))
}

// find lists the files that an earlier run left, oldest first, and counts those that were set aside. The next one to
// be begun comes after all of them.
func (j *journal) find() (numbers []uint64, aside int, err error) {
	files, err := os.ReadDir(j.dir) // by name
	if err != nil {
		return nil, 0, err
	}
	for _, f := range files {
		name, damaged := strings.CutSuffix(f.Name(), damagedSuffix)
		hex, ok := strings.CutSuffix(name, journalSuffix)
		if !ok || len(hex) != 16 {
			continue
		}
		n, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("%s in %s: not a file of the journal", f.Name(), j.dir)
		}
		j.begun = max(j.begun, n)
		if damaged {
			aside++
		} else {
			numbers = append(numbers, n)
		}
	}
	return numbers, aside, nil
}
