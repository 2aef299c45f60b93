package badgerstore

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/rs/zerolog"
)

// A crash leaves a memtable's log that was written under the larger memtables of an earlier version.
func TestALogOfLargerMemtablesIsReadBack(t *testing.T) {
	const rows, size = 12 << 10, 1 << 10
	before, after := t.TempDir(), t.TempDir()
	db, err := badger.Open(badger.DefaultOptions(before).WithMemTableSize(formerMemTable).WithValueThreshold(valueThreshold).
		WithValueLogFileSize(formerMemTable).WithLogger(engineLog{zerolog.Nop()}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // what it leaves is not looked at
	batch := db.NewWriteBatch()
	for i := range uint32(rows) {
		if err := batch.Set(binary.BigEndian.AppendUint32(nil, i), bytes.Repeat([]byte{1}, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(after, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(after, "LOCK")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}

	reopened, err := openEngine(after, &Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	if got := reopened.Opts().MemTableSize; got != memTableSize {
		t.Errorf("memtables of %d, want %d", got, memTableSize)
	}
	for i := range uint32(rows) {
		err := reopened.View(func(txn *badger.Txn) error {
			_, err := txn.Get(binary.BigEndian.AppendUint32(nil, i))
			return err
		})
		if err != nil {
			t.Fatalf("row %d of %d: %v", i, rows, err)
		}
	}
	if err := reopened.Close(); err != nil {
		t.Fatal(err)
	}
}
