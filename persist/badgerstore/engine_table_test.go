package badgerstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4/fb"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// tabled makes a store with a table and returns that one's path and bytes.
func tabled(t testing.TB, key seal.Key) (dir, table string, b []byte) {
	t.Helper()
	dir = t.TempDir()
	s, err := Open(dir, Options{MinFree: 1, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil { // writes it, and the journal's with the next
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{MinFree: 1, Key: key}); err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "live", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	for _, path := range tables {
		one, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(one) > len(b) {
			table, b = path, one
		}
	}
	return dir, table, b
}

// Badger panics of a table that is cut short, and leaves out one whose index is damaged.
func TestADamagedTableIsRefusedByItsName(t *testing.T) {
	for name, key := range map[string]seal.Key{"plain": {}, "encrypted": testKey(t, 1)} {
		dir, table, b := tabled(t, key)
		for what, damaged := range map[string][]byte{
			"cut to nothing":      {},
			"cut to a few bytes":  b[:10],
			"cut in half":         b[:len(b)/2],
			"without its last":    b[:len(b)-1],
			"all zeroes":          make([]byte, len(b)),
			"zeroes at the end":   append(b[:len(b)-100:len(b)-100], make([]byte, 100)...),
			"a flip in the index": append(append(b[:len(b)-60:len(b)-60], b[len(b)-60]^1), b[len(b)-59:]...),
		} {
			if err := os.WriteFile(table, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, Options{Key: key})
			if err == nil || !strings.Contains(err.Error(), table) || !strings.Contains(err.Error(), "from a backup") {
				t.Errorf("%s, %s: Open: %v, want an error that names the table and says what to do", name, what, err)
			}
			if err == nil {
				_ = s.Close()
			}
		}
		if err := os.Remove(table); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{Key: key}); err == nil || !strings.Contains(err.Error(), table+" is missing") {
			t.Errorf("%s, without it: Open: %v", name, err)
		}
		if err := os.WriteFile(table, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{MinFree: 1, Key: key})
		if err != nil {
			t.Fatalf("%s, as it was: Open: %v", name, err)
		}
		if n := len(sizes(t, s, goldenQueue)); n != 50 {
			t.Errorf("%s, as it was: %d webhooks are there, want 50", name, n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADamagedBlockOfATableIsRefusedUntilTheLossIsAccepted(t *testing.T) {
	for name, key := range map[string]seal.Key{"plain": {}, "encrypted": testKey(t, 1)} {
		dir, table, b := tabled(t, key)
		b[len(b)/2] ^= 1
		if err := os.WriteFile(table, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{Key: key}); !errors.Is(err, persist.ErrLost) || !strings.Contains(err.Error(), table) {
			t.Errorf("%s: Open: %v, want ErrLost and the table's name", name, err)
		}
		var log logged
		s := open(t, dir, Options{Key: key, DespiteLoss: true, Log: log.logger()})
		if err := s.db.Flatten(1); err != nil { // which would step on it
			t.Fatal(err)
		}
		n := len(sizes(t, s, goldenQueue))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(table + damagedSuffix)
		told := regexp.MustCompile(`"blocks":1,"rows":[1-9][0-9]*,"kept":`)
		if !told.MatchString(log.String()) || err != nil || !bytes.Equal(kept, b) {
			t.Errorf("%s: told %s, and %d bytes are kept (%v)", name, log.String(), len(kept), err)
		}
		s = open(t, dir, Options{Key: key})
		if again := len(sizes(t, s, goldenQueue)); again != n || n < 40 {
			t.Errorf("%s: %d webhooks of 50 wait, and %d at the next start", name, n, again)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever block is damaged, and however many: the others' rows stay.
func TestATableIsMendedOfEveryDamagedBlock(t *testing.T) {
	for name, key := range map[string]seal.Key{"plain": {}, "encrypted": testKey(t, 1)} {
		dir, table, b := tabled(t, key)
		s := &Store{opt: Options{Key: key}}
		block, err := s.keyring(filepath.Dir(table)).of(1)
		if key.IsZero() {
			block, err = nil, nil
		}
		if err != nil {
			t.Fatal(dir, err)
		}
		index, end, err := tableIndex(b, block)
		if err != nil {
			t.Fatal(err)
		}
		n, all := index.OffsetsLength(), int(index.KeyCount())
		for i := range n + 1 { // the last time all of them
			damaged := slices.Clone(b)
			var at fb.BlockOffset
			for j := range n {
				if index.Offsets(&at, j); i == j || i == n {
					damaged[at.Offset()+at.Len()/2] ^= 1
				}
			}
			whole, blocks, rows, err := mended(damaged, block)
			if err != nil || i < n && blocks != 1 || i == n && (blocks != n || rows != all) || rows == 0 {
				t.Fatalf("%s, block %d of %d: %d blocks, %d of %d rows, %v", name, i, n, blocks, rows, all, err)
			}
			if _, err := readTable(whole, block, true); err != nil || !bytes.Equal(whole[end:], b[end:]) {
				t.Errorf("%s, block %d of %d: mended: %v", name, i, n, err)
			}
		}
	}
}

func FuzzReadTable(f *testing.F) {
	_, _, b := tabled(f, seal.Key{})
	f.Add(b, uint32(0), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, at, cut uint32) {
		if len(b) > 0 {
			b = b[:len(b)-int(cut)%len(b)]
			b[int(at)%len(b)] ^= 1
		}
		if _, err := readTable(b, nil, true); err == nil {
			t.Errorf("%d bytes of which one is another pass for a table", len(b))
		}
	})
}
