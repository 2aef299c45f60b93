package badgerstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// A segment is a file of frames, appended to until it is closed: then a sorted index is put beside it, and it never
// changes again. Its name is the instant it was begun.
//
//	<start>.log: segmentMagic, then frames: length of the value (4), CRC-32C of what follows (4), FinishedAt as
//	             Unix ms (8), id (16), value; where the store is encrypted, the value is sealed (seal.Overhead bytes longer)
//	             for the two before it as its place
//	<start>.row: of metadata, see log_rows.go; as the index, it can be made again of the log
//	<start>.idx: indexMagic, newest (8; see segment), count (8), then count × (id (16), offset in the log (8)), by id
const (
	segmentMagic = "sluhis\x00\x01"
	indexMagic   = "sluidx\x00\x01"
	frameHead    = 4 + 4 + 8 + idSize
	indexHead    = len(indexMagic) + 8 + 8
	indexEntry   = idSize + 8
	maxFrame     = 64 << 20 // a longer length is damage

	logSuffix, indexSuffix, rowSuffix = ".log", ".idx", ".row"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// historic is one record of history.
type historic struct {
	id       record.ID
	finished int64 // Unix ms
	value    []byte
	row      logRow        // of metadata
	keep     time.Duration // from finished on; the retention of its family
}

// append adds the record's frame, its value sealed unless s is nil.
func (h *historic) append(b []byte, s *seal.Sealer) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.value)+overheadOf(s))) //nolint:gosec // below maxFrame
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(h.finished)) //nolint:gosec // bits, not a quantity
	b = append(b, h.id[:]...)
	if s == nil {
		b = append(b, h.value...)
	} else {
		b = s.Seal(b, h.value, b[at+4:])
	}
	binary.BigEndian.PutUint32(b[at:], crc32.Checksum(b[at+4:], castagnoli))
	return b
}

// overheadOf is by how many bytes what is kept is longer for being sealed.
func overheadOf(s *seal.Sealer) int {
	if s == nil {
		return 0
	}
	return seal.Overhead
}

// readFrame reads the frame at an offset, and opens its value unless s is nil.
func readFrame(r io.ReaderAt, offset int64, s *seal.Sealer) (h historic, size int64, err error) {
	head := make([]byte, frameHead)
	if _, err := r.ReadAt(head, offset); err != nil {
		return h, 0, err
	}
	n := binary.BigEndian.Uint32(head)
	if n > maxFrame {
		return h, 0, fmt.Errorf("%w: a frame of %d bytes at %d", record.ErrFormat, n, offset)
	}
	body := make([]byte, frameHead-8+int(n))
	copy(body, head[8:])
	if _, err := r.ReadAt(body[frameHead-8:], offset+int64(frameHead)); err != nil {
		return h, 0, err
	}
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return h, 0, fmt.Errorf("%w: wrong checksum of the frame at %d", record.ErrFormat, offset)
	}
	h.finished = int64(binary.BigEndian.Uint64(body)) //nolint:gosec // bits, not a quantity
	copy(h.id[:], body[8:])
	h.value = body[8+idSize:]
	if s != nil {
		if h.value, err = s.Open(h.value, body[:8+idSize]); err != nil {
			return h, 0, fmt.Errorf("%w: the frame at %d: %w", record.ErrFormat, offset, err)
		}
	}
	return h, int64(frameHead) + int64(n), nil
}

// segment is a closed one, as it is kept in memory: its index is read from disk when somebody asks.
type segment struct {
	path     string // without suffix
	sealer   *seal.Sealer
	began    int64 // by its name; Unix ms
	newest   int64 // greatest FinishedAt, or when it was begun if that is later; Unix ms
	count    int
	min, max record.ID
	rows     int   // records in the log, as often as they were written
	size     int64 // bytes of all its files
}

// closeSegment writes the rows, nil where its family has none, and the index of a log, and returns the segment.
func closeSegment(
	path string, offsets map[record.ID]int64, newest int64, rows []byte, s *seal.Sealer,
) (*segment, error) {
	if rows != nil {
		if err := writeSynced(path+rowSuffix, append([]byte(magicOfRows(s)), rows...)); err != nil {
			return nil, err
		}
	}
	b := make([]byte, 0, indexHead+indexEntry*len(offsets))
	b = append(b, indexMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(newest)) //nolint:gosec // bits, not a quantity
	b = binary.BigEndian.AppendUint64(b, uint64(len(offsets)))
	for _, id := range slices.SortedFunc(maps.Keys(offsets), record.ID.Compare) {
		b = append(b, id[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(offsets[id])) //nolint:gosec // not negative
	}
	if err := writeSynced(path+indexSuffix, b); err != nil {
		return nil, err
	}
	return openSegment(path, rows != nil, s)
}

// openSegment reads what memory keeps of a closed segment.
func openSegment(path string, rows bool, sealer *seal.Sealer) (*segment, error) {
	began, err := time.Parse(nameLayout, filepath.Base(path))
	if err != nil {
		return nil, err
	}
	s := &segment{path: path, sealer: sealer, began: began.UnixMilli()}
	f, err := os.Open(path + indexSuffix)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, indexHead)
	if _, err := f.ReadAt(head, 0); err != nil || !bytes.HasPrefix(head, []byte(indexMagic)) {
		return nil, fmt.Errorf("%w: %s: no index", record.ErrFormat, f.Name())
	}
	s.newest = int64(binary.BigEndian.Uint64(head[8:])) //nolint:gosec // bits, not a quantity
	n := binary.BigEndian.Uint64(head[16:])
	body := info.Size() - int64(indexHead)
	if n != uint64(body/int64(indexEntry)) || body%int64(indexEntry) != 0 { //nolint:gosec // not negative
		return nil, fmt.Errorf("%w: %s: %d entries in %d bytes", record.ErrFormat, f.Name(), n, info.Size())
	}
	s.count = int(n) //nolint:gosec // a file's size has room for it
	if s.count > 0 {
		if s.min, _, err = s.entry(f, 0); err != nil {
			return nil, err
		}
		if s.max, _, err = s.entry(f, s.count-1); err != nil {
			return nil, err
		}
	}
	log, err := os.Stat(path + logSuffix)
	if err != nil {
		return nil, err
	}
	s.size = info.Size() + log.Size()
	if rows {
		n, err := s.countRows()
		if err != nil {
			return nil, err
		}
		s.rows, s.size = n, s.size+int64(n)*logRowSize
	}
	return s, nil
}

func (s *segment) entry(index io.ReaderAt, i int) (id record.ID, offset int64, err error) {
	var b [indexEntry]byte
	if _, err := index.ReadAt(b[:], int64(indexHead+i*indexEntry)); err != nil {
		return id, 0, err
	}
	copy(id[:], b[:])
	return id, int64(binary.BigEndian.Uint64(b[idSize:])), nil //nolint:gosec // not negative
}

// find returns a record's value, or nil when the segment has none of that id.
func (s *segment) find(id record.ID) ([]byte, error) {
	if id.Compare(s.min) < 0 || id.Compare(s.max) > 0 {
		return nil, nil
	}
	index, err := os.Open(s.path + indexSuffix)
	if err != nil {
		return nil, err
	}
	defer func() { _ = index.Close() }()
	low, high := 0, s.count
	for low < high {
		mid := (low + high) / 2
		at, offset, err := s.entry(index, mid)
		if err != nil {
			return nil, err
		}
		switch c := id.Compare(at); {
		case c == 0:
			return s.read(id, offset)
		case c < 0:
			high = mid
		default:
			low = mid + 1
		}
	}
	return nil, nil
}

func (s *segment) read(id record.ID, offset int64) ([]byte, error) {
	f, err := os.Open(s.path + logSuffix)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	h, _, err := readFrame(f, offset, s.sealer)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %s breaks off before its frame at %d", record.ErrFormat, s.path, offset)
	}
	if err == nil && h.id != id {
		err = fmt.Errorf("%w: the index of %s has %s for %s", record.ErrFormat, s.path, h.id, id)
	}
	return h.value, err
}

func (s *segment) remove() error {
	rows := os.Remove(s.path + rowSuffix)
	if errors.Is(rows, os.ErrNotExist) {
		rows = nil
	}
	// A log without index is indexed again.
	return errors.Join(os.Remove(s.path+indexSuffix), rows, os.Remove(s.path+logSuffix))
}

// starts reads from a segment's index where its records are, in their order.
func (s *segment) starts() ([]int64, error) {
	index, err := os.Open(s.path + indexSuffix)
	if err != nil {
		return nil, err
	}
	defer func() { _ = index.Close() }()
	starts := make([]int64, s.count)
	for i := range starts {
		if _, starts[i], err = s.entry(index, i); err != nil {
			return nil, err
		}
	}
	slices.Sort(starts)
	return starts, nil
}

// idsAt reads from a segment's index the ids of the records that are where within says.
func (s *segment) idsAt(within func(at int64) bool) (map[int64]record.ID, error) {
	index, err := os.Open(s.path + indexSuffix)
	if err != nil {
		return nil, err
	}
	defer func() { _ = index.Close() }()
	ids := map[int64]record.ID{}
	for i := range s.count {
		id, at, err := s.entry(index, i)
		if err != nil {
			return nil, err
		}
		if within(at) {
			ids[at] = id
		}
	}
	return ids, nil
}
