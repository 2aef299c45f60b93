package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// historyBudget is how many rows one page of history looks at, at most: some 5 ms of work, where nothing is in its way (else
// see pageTime). A record that is read because its row passes counts as historyReadCost.
const (
	historyBudget   = 1 << 18
	historyReadCost = 64
)

// History implements persist.Store. Webhooks come in the order in which their ends were written, the latest first.
func (s *Store) History(
	_ context.Context, filter *persist.Filter, from string, limit int,
) (*persist.HistoryPage, error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return nil, fmt.Errorf("badgerstore: reading history: %w", persist.ErrClosed)
	}
	page, err := s.history(filter, from, limit)
	if err != nil {
		return nil, fmt.Errorf("badgerstore: reading history: %w", err)
	}
	return page, nil
}

func (s *Store) history(filter *persist.Filter, from string, limit int) (*persist.HistoryPage, error) {
	readers, err := s.historyReaders(filter, from)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, r := range readers {
			r.close()
		}
	}()
	page := &persist.HistoryPage{}
	left := newEffort(historyBudget, s.pageTime)
	for len(page.Finals) < limit {
		var latest *rowReader
		for _, r := range readers {
			if err := r.advance(left); err != nil {
				return nil, err
			}
			if r.found != nil && (latest == nil || r.found.FinishedAt > latest.found.FinishedAt) {
				latest = r
			}
		}
		if latest == nil || spent(readers) { // at an end, or nobody knows which one comes next
			break
		}
		page.Finals = append(page.Finals, latest.found)
		latest.found = nil
	}
	page.Next = cursorOf(readers)
	return page, nil
}

// spent reports whether a reader did not come to what it has next: then nobody knows which one's is the latest.
func spent(readers []*rowReader) bool {
	for _, r := range readers {
		if r.found == nil && !r.end {
			return true
		}
	}
	return false
}

// historyReaders returns a reader for each family, where a cursor says that they stand.
func (s *Store) historyReaders(filter *persist.Filter, from string) ([]*rowReader, error) {
	at, err := readCursor(from)
	if err != nil {
		return nil, err
	}
	sieve := newSieve(filter, s.meta.sealer)
	var readers []*rowReader
	for _, f := range s.meta.all() {
		r := &rowReader{family: f, sieve: sieve, at: f.end()}
		if from != "" { // a family that the cursor does not know is younger than its first page
			r.at = at[f.id]
		}
		readers = append(readers, r)
	}
	return readers, nil
}

// rowPlace is a place in a family: before a row of a segment. The zero place is before everything.
type rowPlace struct {
	began int64 // the segment's name
	row   uint32
}

// rowReader goes through a family from a place on, towards older rows.
type rowReader struct {
	family *family
	sieve  *sieve
	at     rowPlace // what is before it has not been looked at

	found   *record.Final // matches, and has not been handed out
	foundAt rowPlace      // behind it
	end     bool          // there is nothing before at

	segment *openRows
}

// advance looks for the next webhook that matches, unless there is one, as far as there is effort left.
func (r *rowReader) advance(left *effort) error {
	for r.found == nil && !r.end {
		if r.segment == nil {
			var err error
			if r.segment, err = r.family.rowsBefore(r.at, r.sieve.filter.Since); err != nil {
				return err
			}
			if r.segment == nil {
				r.end, r.at = true, rowPlace{}
				return nil
			}
			r.at = rowPlace{r.segment.began, r.segment.count}
		}
		for r.at.row > 0 {
			if !left.spend(1) {
				return nil
			}
			row, err := r.segment.row(r.at.row - 1)
			if err != nil {
				return err
			}
			behind := r.at
			r.at.row--
			if !r.sieve.passes(row) {
				continue
			}
			left.spend(historyReadCost)
			final, err := r.segment.final(readRow(row).offset)
			if errors.Is(err, record.ErrFormat) {
				r.family.log.Error().Err(err).Str("file", r.segment.log.Name()).Msg("a record of history is unreadable")
				continue
			}
			if err != nil {
				return err
			}
			if r.sieve.filter.Matches(final) {
				r.found, r.foundAt = final, behind
				return nil
			}
		}
		r.close()
	}
	return nil
}

func (r *rowReader) close() {
	if r.segment != nil {
		r.segment.close()
		r.segment = nil
	}
}

// openRows are the rows of a segment, and its log, open for reading. What happens to the family meanwhile does not concern it.
type openRows struct {
	began  int64
	count  uint32
	sealer *seal.Sealer // of what is in log
	log    *os.File
	file   *os.File // of rows; nil: they are in memory
	rows   []byte   // all of them, or those of file from first on
	first  uint32
}

// rowsChunk is how many rows are read from a file at once.
const rowsChunk = 2048

func (o *openRows) row(i uint32) ([]byte, error) {
	if o.file != nil && (o.rows == nil || i < o.first) {
		o.first = 0
		if i >= rowsChunk {
			o.first = i + 1 - rowsChunk
		}
		o.rows = append(o.rows[:0], make([]byte, int(i+1-o.first)*logRowSize)...)
		if _, err := o.file.ReadAt(o.rows, int64(len(rowMagic))+int64(o.first)*logRowSize); err != nil {
			return nil, fmt.Errorf("%s: %w", o.file.Name(), err)
		}
	}
	at := int(i-o.first) * logRowSize
	return o.rows[at : at+logRowSize], nil
}

func (o *openRows) final(offset uint32) (*record.Final, error) {
	h, _, err := readFrame(o.log, int64(offset), o.sealer)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: no frame at %d", record.ErrFormat, offset)
	}
	if err != nil {
		return nil, err
	}
	return record.DecodeFinal(h.value)
}

func (o *openRows) close() {
	_ = o.log.Close() // it was read only
	if o.file != nil {
		_ = o.file.Close()
	}
}

// end is the place behind all that the family has.
func (f *family) end() rowPlace {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.active; a != nil {
		return rowPlace{a.began, rowCount(a.rows)}
	}
	if n := len(f.closed); n > 0 {
		return rowPlace{f.closed[n-1].began, uint32(f.closed[n-1].rows)} //nolint:gosec // far below
	}
	return rowPlace{}
}

func rowCount(rows []byte) uint32 { return uint32(len(rows) / logRowSize) } //nolint:gosec // a segment's

// rowsBefore opens the latest segment with rows before a place, but for those whose webhooks all ended before an instant
// (Unix ms). Nil: there is none.
func (f *family) rowsBefore(at rowPlace, since int64) (*openRows, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	upTo := func(began int64, rows uint32) uint32 {
		switch {
		case began < at.began:
			return rows
		case began == at.began:
			return min(rows, at.row)
		}
		return 0
	}
	if a := f.active; a != nil && a.newest >= since {
		if n := upTo(a.began, rowCount(a.rows)); n > 0 {
			log, err := os.Open(a.path + logSuffix)
			return &openRows{began: a.began, count: n, sealer: f.sealer, log: log, rows: a.rows}, err
		}
	}
	for i := len(f.closed) - 1; i >= 0; i-- {
		seg := f.closed[i]
		n := upTo(seg.began, uint32(min(seg.rows, math.MaxUint32))) //nolint:gosec // bounded
		if n == 0 || seg.newest < since {
			continue
		}
		log, err := os.Open(seg.path + logSuffix)
		if err != nil {
			return nil, err
		}
		rows, err := os.Open(seg.path + rowSuffix)
		if err != nil {
			return nil, errors.Join(err, log.Close())
		}
		return &openRows{began: seg.began, count: n, sealer: f.sealer, log: log, file: rows}, nil
	}
	return nil, nil //nolint:nilnil // said above
}
