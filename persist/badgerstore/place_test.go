package badgerstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/seal"
	"github.com/sluice-gateway/sluice/persist/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place { return place{dir: t.TempDir()} })
}

func TestConformanceWhereAllIsEncrypted(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place { return place{t.TempDir(), testKey(t, 1)} })
}

// place is a directory with a store, and the key to it.
type place struct {
	dir string
	key seal.Key
}

func (p place) Open(t *testing.T, o storetest.Options) persist.Store {
	t.Helper()
	opt := Options{
		Committed: o.Committed,
		Retention: Retention{Metadata: o.Metadata, Body: o.Body, MaxSize: o.MaxSize},
		MinFree:   1,
		Key:       p.key,
		sought:    o.Swept,
		Log:       zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel),
	}
	if o.Full {
		opt.MinFree = math.MaxUint64
	}
	s := open(t, p.dir, opt)
	s.committer.between = o.Split
	return s
}

// Crash copies the files as a killed process leaves them: what it wrote is with the kernel, through mappings too. A
// copy takes a while, in which Badger may flush a table in the background: then it is made again.
func (p place) Crash(t *testing.T) storetest.Place {
	t.Helper()
	for range 1000 {
		to := t.TempDir()
		before := p.listing(t)
		err := p.copyTo(to)
		if after := p.listing(t); slices.Equal(before, after) {
			if err != nil {
				t.Fatalf("copying %s: %v", p.dir, err)
			}
			return place{to, p.key}
		}
	}
	t.Fatalf("copying %s: its files never stand still", p.dir)
	return nil
}

// listing names all files, and how long the list of Badger's tables is.
func (p place) listing(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(p.dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatalf("listing %s: %v", p.dir, err)
	}
	if info, err := os.Stat(filepath.Join(p.dir, "live", "MANIFEST")); err == nil {
		names = append(names, fmt.Sprint(info.Size()))
	}
	return names
}

func (p place) copyTo(to string) error {
	return filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(p.dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		return copySparse(filepath.Join(to, rel), path)
	})
}

// copySparse copies a file, leaving out what is zero: Badger's logs are mostly that.
func copySparse(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	zero, buf := make([]byte, 1<<16), make([]byte, 1<<16)
	var at int64
	for {
		n, err := io.ReadFull(in, buf)
		if n > 0 && !bytes.Equal(buf[:n], zero[:n]) {
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return errors.Join(err, out.Close())
			}
		}
		at += int64(n)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return errors.Join(out.Truncate(at), out.Close())
			}
			return errors.Join(err, out.Close())
		}
	}
}

// open opens a store that writes only when it is asked to, so that a test may look into it between two calls, and copy its
// directory.
func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	o.still = true
	if o.MinFree == 0 {
		o.MinFree = 1
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}
