package badgerstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// segmentScan goes through the frames of a segment's log. What is damaged is passed over: those behind it are read all the same.
type segmentScan struct {
	log    *os.File
	size   int64
	sealer *seal.Sealer
	// starts are where frames begin, as an index tells, in order; it is asked once something is damaged. Nil, or none: they
	// are searched for.
	starts func() ([]int64, error)
	// damaged are the parts that hold no frame that could be read. The last one may be the end that a crash cut short.
	damaged []span
}

// span is a part of a file, from on and before to.
type span struct{ from, to int64 }

func newSegmentScan(log *os.File, s *seal.Sealer, starts func() ([]int64, error)) (*segmentScan, error) {
	info, err := log.Stat()
	if err != nil {
		return nil, err
	}
	return &segmentScan{log: log, size: info.Size(), sealer: s, starts: starts}, nil
}

// each visits all frames in their order.
func (f *segmentScan) each(visit func(at int64, h *historic) error) error {
	for at := int64(len(segmentMagic)); at < f.size; {
		h, n, err := readFrame(f.log, at, f.sealer)
		switch {
		case unreadable(err):
			next, err := f.next(at)
			if err != nil {
				return err
			}
			f.damaged = append(f.damaged, span{at, next})
			at = next
			continue
		case err != nil:
			return err
		}
		if err := visit(at, &h); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// unreadable reports whether reading a frame failed for what is in the file.
func unreadable(err error) bool {
	return errors.Is(err, record.ErrFormat) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// next is where the first frame behind a damaged one begins; the file's end where there is none.
func (f *segmentScan) next(at int64) (int64, error) {
	if f.starts != nil {
		starts, err := f.starts()
		if err != nil {
			return 0, err
		}
		f.starts = func() ([]int64, error) { return starts, nil }
		if i, _ := slices.BinarySearch(starts, at+1); len(starts) > 0 {
			if i == len(starts) {
				return f.size, nil
			}
			return min(starts[i], f.size), nil
		}
	}
	return f.search(at + 1)
}

// searchAtOnce is how many bytes are searched at once.
const searchAtOnce = 64 << 10

// search looks at every place from one on for a frame that is whole. Few look like one, as most lengths are beyond the file
// and most instants beyond any clock; of those the checksum decides.
func (f *segmentScan) search(from int64) (int64, error) {
	buf := make([]byte, searchAtOnce+frameHead)
	for ; from+int64(frameHead) <= f.size; from += searchAtOnce {
		n, err := f.log.ReadAt(buf[:min(int64(len(buf)), f.size-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("%s: %w", f.log.Name(), err)
		}
		for i := 0; i < searchAtOnce && i+frameHead <= n; i++ {
			at := from + int64(i)
			if !f.plausible(at, buf[i:i+frameHead]) {
				continue
			}
			_, _, err := readFrame(f.log, at, f.sealer)
			if err == nil {
				return at, nil
			}
			if !unreadable(err) {
				return 0, err
			}
		}
	}
	return f.size, nil
}

// plausible reports whether a frame may begin with some bytes: it ends within the file, and was finished after 1970 and
// before the year 2248.
func (f *segmentScan) plausible(at int64, head []byte) bool {
	length := int64(binary.BigEndian.Uint32(head))
	finished := binary.BigEndian.Uint64(head[8:])
	return length <= maxFrame && at+int64(frameHead)+length <= f.size && finished > 0 && finished < 1<<43
}

// has reports whether a damaged part holds a place.
func (f *segmentScan) has(at int64) bool {
	return slices.ContainsFunc(f.damaged, func(d span) bool { return d.from <= at && at < d.to })
}

// lost are the bytes of damaged parts.
func (f *segmentScan) lost() (n int64) {
	for _, d := range f.damaged {
		n += d.to - d.from
	}
	return n
}

// scanSegment reads the frames of a log that was not closed. What a crash left at its end was never relied on.
func scanSegment(path string, rows bool, sealer *seal.Sealer) (s scanned, err error) {
	f, err := os.Open(path + logSuffix)
	if err != nil {
		return s, err
	}
	defer func() { _ = f.Close() }()
	all, err := newSegmentScan(f, sealer, nil)
	if err != nil {
		return s, err
	}
	s.offsets = make(map[record.ID]int64)
	if rows {
		s.rows = []byte{}
	}
	magic := make([]byte, len(segmentMagic))
	if _, err := f.ReadAt(magic, 0); err != nil || !strings.HasPrefix(string(magic), segmentMagic) {
		s.damaged = []span{{0, all.size}}
		return s, nil
	}
	err = all.each(func(at int64, h *historic) error {
		s.offsets[h.id] = at
		s.newest = max(s.newest, h.finished)
		if rows {
			s.rows = rowOfValue(h.value, sealer).append(s.rows, at)
		}
		return nil
	})
	s.damaged = all.damaged
	return s, err
}

// scanned is what the frames of a log tell.
type scanned struct {
	offsets map[record.ID]int64
	newest  int64  // greatest FinishedAt; Unix ms
	rows    []byte // as in the row file; nil: none were asked for
	damaged []span // what holds no frame that is whole
}
