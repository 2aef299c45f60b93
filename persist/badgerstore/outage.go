package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

// outage is a time in which the journal's disk takes nothing: it is read-only, or full though Options.MinFree is free where the
// store is. Nothing is accepted until it writes again, which the committer tries by itself: nobody is told to come then, who could
// find out by coming. What was accepted before is on disk.
type outage struct {
	why error // under committer.mu; nil: there is none
	try bool  // under committer.mu: it is time to see whether it is over
}

// tryEvery is how often that is.
const tryEvery = time.Second

// notWritten is told why a frame is not in the journal. Where another file can be written, the next goes there.
func (c *committer) notWritten(err error) {
	if c.journal.prove() == nil {
		c.store.log.Error().Err(err).Msg("a group could not be written to the journal, and was not accepted; the next goes to another file")
		return
	}
	c.journalWrote(err)
}

// journalWrote is told whether the journal can be written, and begins an outage or ends it.
func (c *committer) journalWrote(err error) {
	was := c.outage.why // which nobody else changes
	if err == nil && was == nil {
		return
	}
	c.mu.Lock()
	c.outage = outage{why: err}
	c.mu.Unlock()
	switch {
	case err != nil:
		time.AfterFunc(tryEvery, c.tryJournal)
		if was == nil {
			c.store.log.Error().Err(err).Msg("the journal cannot be written: accepting no more webhooks until it can")
		}
	case was != nil:
		c.store.log.Info().Msg("the journal is written again: accepting webhooks")
	}
}

func (c *committer) tryJournal() {
	c.mu.Lock()
	c.outage.try = c.outage.why != nil
	c.mu.Unlock()
	c.wake.Broadcast()
}

// tries reports whether it is time to see whether an outage is over. Called with the lock held.
func (c *committer) tries() bool { return c.outage.try && c.failed == nil }

// try sees whether an outage is over.
func (c *committer) try() { c.journalWrote(c.journal.prove()) }

// prove has the disk take a step of the spare file, which the next one is made of.
func (j *journal) prove() error {
	file, err := os.OpenFile(filepath.Join(j.dir, spareName), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		if _, err = file.WriteAt(zeroes[:], 0); err == nil {
			err = syncData(file)
		}
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("writing to the journal in %s: %w", j.dir, refused(err))
	}
	return nil
}

// Accepting returns why no webhooks are accepted now: persist.ErrFull, persist.ErrNoFiles, persist.ErrSilent,
// persist.ErrUnwritable, persist.ErrFailed or persist.ErrClosed. nil: they are.
func (s *Store) Accepting() error {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return persist.ErrClosed
	}
	c := s.committer
	c.mu.Lock()
	failed, why := c.failed, c.outage.why
	c.mu.Unlock()
	if failed != nil {
		return failed
	}
	if err := s.space.refuses(); err != nil { // which names what is short
		return err
	}
	return why
}
