package dispatch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

// settler writes what became of webhooks, in batches: what ends while one batch is written goes with the next.
type settler struct {
	mu   sync.Mutex
	next persist.Batch
	// spare is the memory of the settlements that were written last, for the batch behind next.
	spare []persist.Settlement
	wake  chan struct{} // of capacity 1
	// gathering: the settler has its time for the next batch, and is woken earlier only for one that is ready.
	gathering bool
	// urgent: others of an ordered queue, or someone who asked, wait for next to be durable.
	urgent bool
	// waiting are closed when next, and with it all before it, is durable.
	waiting []chan<- struct{}

	// failing: the store did not take the last batch. Nothing starts meanwhile: what ends and cannot be settled is sent again
	// after a restart.
	failing atomic.Bool
	gaveUp  atomic.Bool // the store never will, nothing is settled any more
	// last: a shutdown waits for nothing but what is unsettled. A disk that takes nothing then is not waited for: it may be mended in
	// a minute or never, and what was sent is sent again after the next start either way.
	last atomic.Bool
}

// add puts a settlement into the next batch; flush lets it go.
func (s *settler) add(one *persist.Settlement) {
	s.mu.Lock()
	s.next.Settlements = append(s.next.Settlements, *one)
	s.urgent = s.urgent || one.Was.Rank == 0
	s.mu.Unlock()
}

func (s *settler) addStates(states []persist.State, marks []persist.Mark) {
	s.mu.Lock()
	s.next.States = append(s.next.States, states...)
	s.next.Marks = append(s.next.Marks, marks...)
	s.mu.Unlock()
}

// tell closes written as soon as all that was added until now is durable.
func (s *settler) tell(written chan<- struct{}) {
	s.mu.Lock()
	s.waiting, s.urgent = append(s.waiting, written), true
	s.mu.Unlock()
	s.flush()
}

// flush wakes the settler if there is something to write, or someone to tell, and it would not look by itself.
func (s *settler) flush() {
	s.mu.Lock()
	leave := s.empty() || s.gathering && !s.ready()
	s.mu.Unlock()
	if leave {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *settler) empty() bool {
	return len(s.next.Settlements) == 0 && len(s.next.States) == 0 && len(s.next.Marks) == 0 && len(s.waiting) == 0
}

// take returns the next batch, and whom to tell when it is durable; false when there is neither.
func (s *settler) take() (b persist.Batch, waiting []chan<- struct{}, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty() {
		return persist.Batch{}, nil, false
	}
	b, waiting = s.next, s.waiting
	s.next, s.waiting, s.urgent = persist.Batch{Settlements: s.spare}, nil, false
	s.spare = nil
	return b, waiting, true
}

// giveBack takes the memory of settlements that were written, unless it is more than most batches need.
func (s *settler) giveBack(all []persist.Settlement) {
	if cap(all) > 2*fullBatch {
		return
	}
	clear(all) // let go of the payloads
	s.mu.Lock()
	s.spare = all[:0]
	s.mu.Unlock()
}

// A batch is written at once when none was lately; under load there is one every settleEvery, or whenever fullBatch
// have come together: each batch costs syncs, however many it settles.
const (
	settleEvery = 25 * time.Millisecond
	fullBatch   = 1024
)

// ready reports that the next batch is to be written without waiting for its time.
func (s *settler) ready() bool { return s.urgent || len(s.next.Settlements) >= fullBatch }

// gather waits until it is time for the next batch, begun being when the last one was.
func (s *settler) gather(begun time.Time, stop <-chan struct{}) {
	due := time.NewTimer(settleEvery - time.Since(begun))
	defer due.Stop()
	defer func() {
		s.mu.Lock()
		s.gathering = false
		s.mu.Unlock()
	}()
	for {
		s.mu.Lock()
		s.gathering = true
		ready := s.ready()
		s.mu.Unlock()
		if ready {
			return
		}
		select {
		case <-s.wake:
		case <-due.C:
			return
		case <-stop:
			return
		}
	}
}

// settle writes batches until stop is closed and nothing is left. A store that fails is asked again: what is not
// written is not forgotten.
func (d *Dispatcher) settle(stop <-chan struct{}) {
	var begun time.Time
	for {
		if time.Since(begun) < settleEvery {
			d.settler.gather(begun, stop)
		}
		b, waiting, some := d.settler.take()
		if !some {
			select {
			case <-d.settler.wake:
				continue
			case <-stop:
				if b, waiting, some = d.settler.take(); !some {
					return
				}
			}
		}
		begun = time.Now()
		if !d.write(b, stop) {
			return
		}
		for _, written := range waiting {
			close(written)
		}
	}
}

// write settles one batch, however often that takes; false when it was told to stop meanwhile.
func (d *Dispatcher) write(b persist.Batch, stop <-chan struct{}) bool {
	wait := 50 * time.Millisecond
	for {
		last := d.settler.last.Load()
		fenced, err := d.set.Store.Settle(context.Background(), d.set.Member, b)
		if err == nil {
			if len(fenced) > 0 {
				d.set.Log.Warn().Int("partitions", len(fenced)).Msg("partitions are another member's now")
			}
			d.settler.failing.Store(false)
			d.waits.settled(b.Settlements)
			d.inbox.addSettled(b.Settlements)
			d.settler.giveBack(b.Settlements)
			return true
		}
		d.metrics.settleErrors.Inc()
		d.settler.failing.Store(true)
		line := d.set.Log.Error().Err(err).Int("webhooks", len(b.Settlements))
		full := errors.Is(err, persist.ErrFull) || errors.Is(err, persist.ErrUnwritable)
		if errors.Is(err, persist.ErrClosed) || errors.Is(err, persist.ErrFailed) || full && last {
			line.Msg("what became of webhooks cannot be written: they are sent again after the next start")
			d.settler.gaveUp.Store(true)
			d.inbox.nudge()
			return false
		}
		line.Dur("again_in", wait).Msg("writing what became of webhooks failed; it is tried again")
		select {
		case <-stop:
			return false
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}
