package badgerstore

import (
	"slices"

	"github.com/sluice-gateway/sluice/persist/record"
)

// What one transaction moves, besides what it was made for. Whoever waits for it waits for that too, so it is little, but
// twice what the transaction accepts: however busy the store is, moving keeps up with it. The rest is moved, as little at a
// time, while nobody waits for anything.
const (
	spillLeast = 64   // webhooks
	spillMost  = 1024 // webhooks
	spillBytes = 1 << 20
)

// share is how many webhooks a transaction moves.
func (w *writer) share() int { return min(max(spillLeast, 2*len(w.accepted), w.move), spillMost) }

// filesAtRest is how many files of the journal are left alone, the one written to and the one before it: most of their
// webhooks end before they would have to be moved.
const filesAtRest = 2

// spill moves what is live of the journal's oldest file to the live database, a part of it with each transaction, and
// lets go of the file when nothing is left of it and that is told in the files behind it.
func (c *committer) spill(w *writer) {
	j := c.journal
	if len(j.files) < 2 {
		return
	}
	f := j.files[0]
	for f.next < len(f.entries) && f.entries[f.next].gone {
		f.next++
	}
	if f.next == len(f.entries) {
		if slices.ContainsFunc(c.departed, func(e *freshEntry) bool { return e.file == f }) {
			return // told with the next frame
		}
		err := c.store.tally.retiring(j)
		if err == nil {
			err = j.retireOldest()
		}
		if err != nil {
			c.store.log.Error().Err(err).Str("file", f.path).Msg("retiring a file of the journal; it is tried again")
		}
		return
	}
	if len(j.files) <= filesAtRest {
		return
	}
	room := int64(spillBytes)
	most := len(w.spilt) + w.share()
	for _, e := range f.entries[f.next:] {
		k := spillCost(e)
		if e.gone || e.leaving == w {
			continue
		}
		if len(w.spilt) == most {
			return
		}
		if room -= k.bytes; !w.count.plus(k).within(c.limit) || room < 0 && w.spilt != nil {
			return
		}
		w.set(entryKey(e.queue, e.entry.Position), e.entry.Append(make([]byte, 0, record.EntrySize)))
		w.movePayload(e)
	}
}

// moves reports whether there is something to move while nobody waits. Called with the lock held.
func (c *committer) moves() bool {
	return len(c.journal.files) > filesAtRest && !c.still && !c.stuck && c.outage.why == nil && c.failed == nil
}

// move moves a part of what is to be moved, in a transaction of its own. Where it cannot, it is stuck until somebody has
// something to write.
func (c *committer) move() {
	if c.stuck = c.store.space.exhausted() != nil; c.stuck {
		return
	}
	headway, err := c.moveSome(new(round))
	if err != nil {
		c.store.log.Error().Err(err).Msg("moving webhooks from the journal to the live database; it is tried again")
	}
	c.stuck = !headway
}

// moveSome moves a part of what is to be moved, and reports whether there was any.
func (c *committer) moveSome(r *round) (headway bool, err error) {
	files, told := len(c.journal.files), len(c.departed) > 0
	w, err := c.guarded(r)
	if err != nil {
		return false, err
	}
	c.registry.apply(w)
	return len(w.spilt) > 0 || told || len(c.journal.files) != files, nil
}

// catchUp moves until the journal is not behind, as far as that can be: for what goes there all the same.
func (c *committer) catchUp() error {
	for c.journal.behind() && len(c.journal.files) > filesAtRest {
		if err := c.store.space.exhausted(); err != nil {
			return err
		}
		headway, err := c.moveSome(&round{move: spillMost})
		if err != nil || !headway {
			return err
		}
	}
	return nil
}

func spillCost(e *freshEntry) cost {
	return rowCost(1+idSize, payloadHead+int(e.entry.Size)).plus(rowCost(entryKeySize, record.EntrySize))
}

// movePayload puts the payload of a webhook that leaves the journal for the live database. Where it cannot be read the
// webhook goes without, as one whose row is set aside, and its file is kept: others must not wait for it.
func (w *writer) movePayload(e *freshEntry) {
	if payload, err := w.c.store.fresh.read(e); err != nil {
		w.c.store.unreadable(e, err)
	} else {
		w.set(idKey(kindPayload, e.entry.ID), payloadRow(e.queue, e.entry.Rank, payload))
	}
	e.leaving = w
	w.spilt = append(w.spilt, e)
}

// unreadable has the file of a webhook set aside when nothing else is live in it.
func (s *Store) unreadable(e *freshEntry, err error) {
	if !e.file.damaged {
		e.file.damaged = true
		s.setAside.Add(1)
	}
	s.log.Error().Err(err).Stringer("id", e.entry.ID).Str("file", e.file.path).
		Msg("a webhook in the journal cannot be read; its file will be set aside")
}
