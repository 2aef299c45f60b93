package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Erase implements persist.Store. Each segment that holds something of what is meant is written anew without it, beside the
// old one, and takes its place; nobody who reads or appends waits for more than the exchange. Rows keep their places, so
// cursors stay good.
func (s *Store) Erase(ctx context.Context, filter *persist.Filter) (erased int, err error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return 0, fmt.Errorf("badgerstore: erasing: %w", persist.ErrClosed)
	}
	// Payloads go first, and what tells whose they were last: an erasure that is broken off finds them again the next time.
	gone := map[record.ID]bool{}
	for _, f := range s.meta.all() {
		if err := f.meant(ctx, filter, gone); err != nil {
			return 0, fmt.Errorf("badgerstore: looking in %s for what is to be erased: %w", f.dir, err)
		}
	}
	drop := func(id record.ID, value []byte) ([]byte, bool) { return value, !gone[id] }
	for _, f := range s.body.all() {
		if err := f.rewrite(ctx, nil, drop); err != nil {
			return 0, fmt.Errorf("badgerstore: erasing from %s: %w", f.dir, err)
		}
	}
	scrub := func(id record.ID, value []byte) ([]byte, bool) {
		final, err := record.DecodeFinal(value)
		if err != nil || !gone[id] { // or it has ended since, and its payload is still there
			return value, true
		}
		return scrubbed(final).Encode(), true
	}
	for _, f := range s.meta.all() {
		if err := f.rewrite(ctx, newSieve(filter, s.meta.sealer), scrub); err != nil {
			return 0, fmt.Errorf("badgerstore: erasing from %s: %w", f.dir, err)
		}
	}
	return len(gone), s.flatten()
}

// flatten has the live database let go of what was deleted from it and lies in its files.
func (s *Store) flatten() error {
	if err := s.db.Flatten(1); err != nil {
		return fmt.Errorf("badgerstore: compacting: %w", err)
	}
	return nil
}

// scrubbed is what is left of a finished webhook when it is erased: that it was, when, and what became of it.
func scrubbed(f *record.Final) *record.Final {
	left := *f
	left.URL, left.Metadata, left.Subject, left.Trace = "", nil, record.Digest{}, ""
	left.Attempts = make([]record.Attempt, len(f.Attempts))
	for i, a := range f.Attempts {
		a.Headers, a.Body, a.Error = nil, nil, ""
		left.Attempts[i] = a
	}
	return &left
}

// meant adds the ids of what a filter means. Of a record that is damaged its row says whether it may be meant: that is enough,
// for nobody can read it any more.
func (f *family) meant(ctx context.Context, filter *persist.Filter, ids map[record.ID]bool) error {
	sieve := newSieve(filter, f.sealer)
	return f.eachClosed(ctx, sieve, nil, func(seg *segment) error {
		log, err := os.Open(seg.path + logSuffix)
		if err != nil {
			return err
		}
		defer func() { _ = log.Close() }()
		all, err := newSegmentScan(log, f.sealer, seg.starts)
		if err != nil {
			return err
		}
		err = all.each(func(_ int64, h *historic) error {
			if final, err := record.DecodeFinal(h.value); err == nil && filter.Matches(final) {
				ids[h.id] = true
			}
			return nil
		})
		if err != nil || len(all.damaged) == 0 {
			return err
		}
		return seg.meantOf(all, sieve, ids)
	})
}

// meantOf adds the ids of damaged records whose rows pass a sieve.
func (s *segment) meantOf(all *segmentScan, sieve *sieve, ids map[record.ID]bool) error {
	damaged, err := s.idsAt(all.has)
	if err != nil {
		return err
	}
	rows, err := os.ReadFile(s.path + rowSuffix)
	if err != nil {
		return err
	}
	for rows = rows[len(rowMagic):]; len(rows) >= logRowSize; rows = rows[logRowSize:] {
		if id, is := damaged[int64(readRow(rows).offset)]; is && sieve.passes(rows[:logRowSize]) {
			ids[id] = true
		}
	}
	return nil
}

// rewrite has each record of each segment changed, or left out where keep is false. sieve says of a segment's rows whether it
// holds anything that will be changed; nil: its ids are asked.
func (f *family) rewrite(
	ctx context.Context, sieve *sieve, change func(id record.ID, value []byte) (now []byte, keep bool),
) error {
	return f.eachClosed(ctx, sieve, change, func(seg *segment) error { return f.replace(seg, change) })
}

// eachClosed visits the segments that concern a sieve or a change, what is being written among them.
func (f *family) eachClosed(
	ctx context.Context, sieve *sieve, change func(record.ID, []byte) ([]byte, bool), visit func(*segment) error,
) error {
	f.mu.Lock()
	err := f.closeActive()
	segments := append([]*segment(nil), f.closed...)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	for _, seg := range segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		concerned, err := f.concerns(seg, sieve, change)
		if err == nil && concerned {
			err = visit(seg)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) { // its retention has passed meanwhile
			return err
		}
	}
	return nil
}

// concerns reports whether a segment holds anything that is to be changed.
func (f *family) concerns(seg *segment, sieve *sieve, change func(record.ID, []byte) ([]byte, bool)) (bool, error) {
	if sieve != nil {
		rows, err := os.ReadFile(seg.path + rowSuffix)
		if err != nil {
			return false, err
		}
		for rows = rows[len(rowMagic):]; len(rows) >= logRowSize; rows = rows[logRowSize:] {
			if sieve.passes(rows[:logRowSize]) {
				return true, nil
			}
		}
		return false, nil
	}
	index, err := os.Open(seg.path + indexSuffix)
	if err != nil {
		return false, err
	}
	defer func() { _ = index.Close() }()
	for i := range seg.count {
		id, _, err := seg.entry(index, i)
		if err != nil {
			return false, err
		}
		if _, keep := change(id, nil); !keep {
			return true, nil
		}
	}
	return false, nil
}

// replace writes a segment anew. The log takes the old one's place only when its index and rows are gone: whatever comes
// between, the next opening makes them again of the log that is there.
func (f *family) replace(seg *segment, change func(record.ID, []byte) ([]byte, bool)) error {
	next, err := f.changed(seg, change)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := -1
	for i := range f.closed {
		if f.closed[i] == seg {
			at = i
		}
	}
	if at < 0 { // its time was up
		return os.Remove(seg.path + newSuffix)
	}
	for _, suffix := range []string{indexSuffix, rowSuffix} {
		if err := os.Remove(seg.path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(seg.path+newSuffix, seg.path+logSuffix); err != nil {
		return err
	}
	now, err := closeSegment(seg.path, next.offsets, seg.newest, next.rows, f.sealer)
	if err != nil {
		return err
	}
	f.size += now.size - seg.size
	f.closed[at] = now
	return nil
}

// newSuffix is of a log that is to replace another.
const newSuffix = ".changed"

// changed writes the changed log of a segment beside it, durably. What is damaged is left out, and told.
func (f *family) changed(seg *segment, change func(record.ID, []byte) ([]byte, bool)) (s scanned, err error) {
	old, err := os.Open(seg.path + logSuffix)
	if err != nil {
		return s, err
	}
	defer func() { _ = old.Close() }()
	file, err := os.OpenFile(seg.path+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return s, err
	}
	var all *segmentScan
	s.offsets = map[record.ID]int64{}
	if f.rows {
		s.rows = []byte{}
	}
	size := int64(len(segmentMagic))
	_, err = file.WriteString(segmentMagic)
	if err == nil {
		all, err = newSegmentScan(old, f.sealer, seg.starts)
	}
	if err == nil {
		err = all.each(func(_ int64, h *historic) error {
			value, keep := change(h.id, h.value)
			if !keep {
				return nil
			}
			h.value = value
			b := h.append(nil, f.sealer)
			s.offsets[h.id] = size
			if f.rows {
				s.rows = rowOfValue(h.value, f.sealer).append(s.rows, size)
			}
			size += int64(len(b))
			_, err := file.Write(b)
			return err
		})
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil && len(all.damaged) > 0 {
		err = f.tellDropped(seg, all)
	}
	return s, err
}

// tellDropped says how much of a segment was damaged, and is not in what takes its place.
func (f *family) tellDropped(seg *segment, all *segmentScan) error {
	records, err := seg.idsAt(all.has)
	f.log.Error().Str("file", seg.path+logSuffix).Int("records", len(records)).Int64("bytes", all.lost()).
		Msg("damaged records of history were dropped from a file that an erasure wrote anew")
	return err
}
