package badgerstore

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// killed is what a process that was killed leaves: n webhooks, each of a transaction of the live database's log.
func killed(t *testing.T, n int, key seal.Key) (dir string, ids []record.ID) {
	t.Helper()
	s := open(t, t.TempDir(), Options{Key: key})
	for i := range n {
		q := goldenQueue
		q.Flow = fmt.Sprint(i)
		r, err := s.Enqueue(t.Context(), one(q, 300)) // the first of its queue goes to the live database
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r[0].ID)
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, ids
}

// afterwards opens what was killed and returns how many of its webhooks are there, and what the log says.
func afterwards(t *testing.T, dir string, ids []record.ID, key seal.Key) (there int, damaged uint64, said string) {
	t.Helper()
	var log logged
	s := open(t, dir, Options{Key: key, Log: log.logger()})
	for _, id := range ids {
		if _, err := s.Payload(t.Context(), id); err == nil {
			there++
		}
	}
	damaged = s.Sizes().SetAside
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return there, damaged, log.String()
}

// liveLog returns the log of the live database's memtable, and where what was written of it ends.
func liveLog(t *testing.T, dir string) (path string, b []byte, end int) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "live", "*.mem"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("logs %v, %v; want one", logs, err)
	}
	b, err = os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	return logs[0], b, len(bytes.TrimRight(b, "\x00"))
}

func TestADamagedLogOfTheDatabaseCostsWhatIsDamagedAndSaysSo(t *testing.T) {
	dir, ids := killed(t, 20, seal.Key{})
	path, whole, end := liveLog(t, dir)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		at := logHead + rng.IntN(end*8/10)
		b := bytes.Clone(whole)
		b[at] ^= 1 << rng.IntN(8)
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(copied, "live", filepath.Base(path))
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		there, damaged, said := afterwards(t, copied, ids, seal.Key{})
		if there < len(ids)-1 || damaged != 1 || !strings.Contains(said, "damaged log of the live database") {
			t.Errorf("byte %d of %d: %d of %d are there, %d set aside, and the log says %q", at, end, there, len(ids), damaged, said)
		}
		if kept, err := os.ReadFile(name + damagedSuffix); err != nil || sha256.Sum256(kept) != sha256.Sum256(b) {
			t.Errorf("byte %d: the damaged file is not kept: %v", at, err)
		}
		if _, damaged, said = afterwards(t, copied, ids, seal.Key{}); damaged != 1 || strings.Contains(said, "damaged log") {
			t.Errorf("byte %d: at the next start %d are set aside, and the log says %q", at, damaged, said)
		}
	}
}

func TestALogThatIsDamagedOnceMoreIsKeptBesideTheFirstAndSaysWhere(t *testing.T) {
	dir, ids := killed(t, 20, seal.Key{})
	path, b, end := liveLog(t, dir)
	b[end/2] ^= 1
	for name, text := range map[string][]byte{path: b, path + damagedSuffix: []byte("the first")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, damaged, said := afterwards(t, dir, ids, seal.Key{})
	second := path + ".2" + damagedSuffix
	if kept, err := os.ReadFile(second); err != nil || !bytes.Equal(kept, b) || damaged != 2 || !strings.Contains(said, `"kept":"`+second) {
		t.Errorf("%d are set aside (%v), and the log says %q", damaged, err, said)
	}
	if first, err := os.ReadFile(path + damagedSuffix); err != nil || string(first) != "the first" {
		t.Errorf("the first is %q now (%v)", first, err)
	}
}

func TestADamagedLogOfAnEncryptedDatabaseIsKeptAndSaysSo(t *testing.T) {
	key := testKey(t, 1)
	dir, ids := killed(t, 20, key)
	path, b, end := liveLog(t, dir)
	b[end/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	there, damaged, said := afterwards(t, dir, ids, key)
	if there < len(ids)/3 || damaged != 1 || !strings.Contains(said, "damaged log of the live database") {
		t.Errorf("%d of %d are there, %d set aside, and the log says %q", there, len(ids), damaged, said)
	}
}

// A process dies in the middle of a transaction that nobody was told of: of its pages, any may have reached the disk.
func TestALogThatEndsInTheMiddleIsNotDamaged(t *testing.T) {
	for _, key := range []seal.Key{{}, testKey(t, 1)} {
		dir, _ := killed(t, 20, key)
		_, whole, end := liveLog(t, dir)
		begins := 0 // the last transaction
		for at, ends := logHead, 0; at < end; {
			e, ok := readLogEntry(whole[at:])
			if !ok {
				t.Fatalf("no entry at %d", at)
			}
			if at += e.size; e.marks&logFin != 0 {
				begins, ends = ends, at
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			b := bytes.Clone(whole[:end+100])
			from := begins + rng.IntN(end-begins)
			to := from + 1 + rng.IntN(end-from)
			clear(b[from:to])
			if mended, at := mendLog(b); mended != nil {
				t.Errorf("bytes %d to %d of %d to %d missing: damage at %d", from, to, begins, end, at)
			}
		}
	}
}

func FuzzMendLog(f *testing.F) {
	f.Add([]byte("12345678901234567890@\x00\x09\x01\x00key45678v"), uint16(25))
	f.Fuzz(func(t *testing.T, b []byte, flip uint16) {
		if int(flip) < len(b) {
			b[flip] ^= 1
		}
		mended, at := mendLog(b)
		if mended == nil {
			return
		}
		if len(mended) != len(b) || at < logHead || at >= len(b) {
			t.Errorf("%d bytes of %d, damage at %d", len(mended), len(b), at)
		}
		if again, at := mendLog(mended); again != nil {
			t.Errorf("what was mended is damaged at %d", at)
		}
	})
}

func TestTablesWithoutTheManifestThatNamesThemAreNotDeleted(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	accept(t, s, goldenQueue, 10)
	if err := s.Close(); err != nil { // writes a table
		t.Fatal(err)
	}
	manifest := filepath.Join(s.dir, "live", "MANIFEST")
	whole, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func() error{
		"is missing, which names":  func() error { return os.Remove(manifest) },
		"breaks off at":            func() error { return os.WriteFile(manifest, whole[:len(whole)-3], 0o600) },
		"MANIFEST is damaged":      func() error { return os.WriteFile(manifest, append([]byte("x"), whole...), 0o600) },
		"opening the live databas": func() error { return os.WriteFile(filepath.Join(s.dir, "live", "KEYREGISTRY"), []byte("x"), 0o600) },
	} {
		if err := os.WriteFile(manifest, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if again, err := Open(s.dir, Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want one that says it %s", err, name)
			_ = again.Close()
		}
		if tables, _ := filepath.Glob(filepath.Join(s.dir, "live", "*.sst")); len(tables) == 0 {
			t.Fatalf("%s: the tables are deleted", name)
		}
	}
}
