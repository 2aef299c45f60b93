package badgerstore

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

// FuzzReadCursor gives any text to a log as its cursor: it is refused as none, or the pages from there on end, and tell nothing
// twice.
func FuzzReadCursor(f *testing.F) {
	s := open(f, f.TempDir(), Options{Retention: Retention{Metadata: 24 * time.Hour}})
	f.Cleanup(func() { _ = s.Close() })
	c := new(clock)
	for i := range 300 {
		final := benchFinal(c.nextID())
		h := finalRecord(final, final.Encode(), nil)
		h.keep = time.Duration(1+i%2) * 24 * time.Hour
		if err := s.meta.append([]historic{h}); err != nil {
			f.Fatal(err)
		}
	}
	f.Add("")
	f.Add("AQ")
	f.Add("AQBAAAAAAAAAAAAAAAA")
	for from := ""; ; {
		page, err := s.History(f.Context(), &persist.Filter{}, from, 100)
		if err != nil {
			f.Fatal(err)
		}
		if from = page.Next; from == "" {
			break
		}
		f.Add(from)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		places, err := readCursor(cursor)
		if err != nil && !errors.Is(err, persist.ErrCursor) {
			t.Fatalf("%q: %v", cursor, err)
		}
		seen, pages := map[string]bool{}, 0
		for from := cursor; ; {
			page, err := s.History(t.Context(), &persist.Filter{}, from, 50)
			if err != nil {
				if places == nil && cursor != "" && errors.Is(err, persist.ErrCursor) {
					return
				}
				t.Fatalf("%q: %v", from, err)
			}
			for _, f := range page.Finals {
				if id := f.ID.String(); seen[id] {
					t.Fatalf("%q: %s is told twice", cursor, id)
				} else {
					seen[id] = true
				}
			}
			if pages++; pages > 100 {
				t.Fatalf("%q: the log never ends", cursor)
			}
			if from = page.Next; from == "" {
				return
			}
		}
	})
}

// FuzzFrames reads any bytes as a log: it ends, what it tells of is within the file, and every byte is in a frame or damaged.
func FuzzFrames(f *testing.F) {
	frame := func(value string) []byte {
		h := historic{id: [16]byte{1}, finished: 1_700_000_000_000, value: []byte(value)}
		return h.append(nil, nil)
	}
	f.Add([]byte(segmentMagic))
	f.Add(append([]byte(segmentMagic), append(frame("one"), frame("two")...)...))
	f.Add(append([]byte(segmentMagic+"rubbish"), frame("behind it")...))
	f.Add(binary.BigEndian.AppendUint32([]byte(segmentMagic), maxFrame))
	path := filepath.Join(f.TempDir(), "20000101T000000.000Z")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path+logSuffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
		log, err := os.Open(path + logSuffix)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = log.Close() }()
		all, err := newSegmentScan(log, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		read, last := int64(0), int64(-1)
		err = all.each(func(at int64, h *historic) error {
			if at <= last || all.has(at) {
				t.Fatalf("a frame at %d behind one at %d, damaged %v", at, last, all.damaged)
			}
			last = at
			read += int64(frameHead + len(h.value))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if sum, want := read+all.lost(), max(int64(len(b))-int64(len(segmentMagic)), 0); sum != want {
			t.Fatalf("%d bytes of frames and %d damaged, of %d", read, all.lost(), want)
		}
	})
}
