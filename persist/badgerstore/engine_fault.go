package badgerstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
)

// Badger reads its tables where they are mapped, and takes them for whole: damage that comes while they are in use is a panic of
// whoever steps on it, and a disk that cannot read a page a fault (SIGBUS). On a goroutine of the store's users it ends here, and
// the store with it, in order. On one of Badger's own it ends the process, and the next finds in CrashLog that it did.

// crashLog is the file of the directory that says why the process before ended, if that was a crash. Where it is not empty, Open
// reads the tables of the live database whole, however long that takes.
const crashLog = "crash.log"

// CrashLog is where whoever has the store in dir open is to write why it crashes (runtime/debug.SetCrashOutput).
func CrashLog(dir string) string { return filepath.Join(dir, crashLog) }

// view runs f on a consistent view of the live database.
func (s *Store) view(f func(*badger.Txn) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = s.damaged(fmt.Errorf("%v", p))
		}
	}()
	return s.db.View(f)
}

// guarded is write with what view does for who reads: the committer reads in the transactions that it writes.
func (c *committer) guarded(r *round) (w *writer, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			c.store.log.Error().Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Msg("the committer failed within Sluice, or stepped on damage")
			w, err = c.begin(), c.store.damaged(fmt.Errorf("committing %d operations: %v", len(r.ops), p))
		}
	}()
	return c.write(r)
}

// damaged ends the store, of which a table could not be read, and has the next Open look at all of them.
func (s *Store) damaged(cause error) error {
	if s.committer == nil { // it is being opened
		return fmt.Errorf("reading the live database: %w", cause)
	}
	err := fmt.Errorf("%w: the live database could not be read: %w: its tables are whole; the next start reads all of them again",
		persist.ErrFailed, cause)
	if which := s.suspects(); which != nil {
		err = fmt.Errorf("%w: the live database could not be read: %w: restore %s from a backup; the next start reads all of it, and "+
			"says what else is damaged", persist.ErrFailed, which, s.dir)
	}
	if noted := os.WriteFile(CrashLog(s.dir), []byte(err.Error()+"\n"), 0o600); noted != nil {
		s.log.Error().Err(noted).Msg("that the live database is damaged could not be noted for the next start")
	}
	return s.committer.end(err)
}

// suspects names the first table that is not as it was written.
func (s *Store) suspects() error {
	for _, id := range s.tables() {
		if err := s.verify(id); err != nil {
			return err
		}
	}
	return nil
}

// crashed reports whether the process that had the directory open before this one crashed, and says so.
func (s *Store) crashed() (bool, error) {
	text, err := os.ReadFile(CrashLog(s.dir))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil || len(text) == 0 {
		return false, err
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	s.log.Error().Str("file", CrashLog(s.dir)).Bytes("why", first).
		Msg("the process before this one crashed: reading the tables of the live database whole before anything is served")
	return true, nil
}

// setCrashAside keeps what a crash left to be looked at, once the tables are known to be whole.
func (s *Store) setCrashAside() error {
	if !s.suspect {
		return nil
	}
	return os.Rename(CrashLog(s.dir), CrashLog(s.dir)+".old")
}
