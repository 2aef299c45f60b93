package badgerstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		s := open(t, dir, Options{Key: key, DespiteLoss: true, NoCompaction: true}) // which would step on it
		if err := s.Close(); err != nil {
			t.Fatal(err)
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
