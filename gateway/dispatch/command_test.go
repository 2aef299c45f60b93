package dispatch

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// change makes a lane known, and has something of it to be saved.
func change(s *schedule.Schedule, now time.Time) {
	s.Budget(now, nowhere.Lane)
	s.Forget(now, nowhere.Lane.Host)
}

func TestAChangeIsDurableWhenSyncSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{fail: 3}
		d, stop := dispatching(t, s)
		if err := d.Do(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if err := d.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(s.saved()); n != 2 {
			t.Errorf("%d states are kept, want the host's and the lane's", n)
		}
		stop()
	})
}

func TestSyncWaitsForWhatIsBeingWrittenThoughItHasNothingToAdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{fail: 1}
		d, stop := dispatching(t, s)
		if err := d.Do(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // its first write has failed, the next one is 50 ms away
		if err := d.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(s.saved()); n != 2 {
			t.Errorf("%d states are kept, want 2", n)
		}
		stop()
	})
}

func TestSyncGivesUpOnAStoreThatFailsAndTheChangeHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{fail: 1 << 30}
		d, stop := dispatching(t, s)
		if err := d.Do(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := d.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want that the time is over", err)
		}
		known := false
		if err := d.Ask(t.Context(), func(s *schedule.Schedule, now time.Time) {
			_, known = s.Host(now, nowhere.Lane.Host)
		}); err != nil || !known {
			t.Errorf("the change does not hold (%v)", err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- d.Sync(context.Background()) }()
		synctest.Wait()
		stop()
		if err := <-waiting; !errors.Is(err, ErrUnsaved) {
			t.Errorf("after the end: %v, want %v", err, ErrUnsaved)
		}
	})
}

// TestOnceAShutdownHasBegunQuestionsAreAnsweredAndChangesAreNot has an attempt under way, for which the end waits.
func TestOnceAShutdownHasBegunQuestionsAreAnsweredAndChangesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		s := &shelf{fail: 1 << 30, payloads: map[record.ID][]byte{e.ID: payload()}}
		d, stop := dispatching(t, s)
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
		synctest.Wait()
		go stop()
		synctest.Wait()
		asked, changed := false, false
		if err := d.Ask(t.Context(), func(*schedule.Schedule, time.Time) { asked = true }); err != nil || !asked {
			t.Errorf("the question was not answered (%v)", err)
		}
		if err := d.Do(t.Context(), func(*schedule.Schedule, time.Time) { changed = true }); !errors.Is(err, ErrStopping) || changed {
			t.Errorf("%v, changed: %v; want %v", err, changed, ErrStopping)
		}
		s.mu.Lock()
		s.fail = 0
		s.mu.Unlock()
		<-d.ended
		if err := d.Sync(t.Context()); !errors.Is(err, ErrStopping) {
			t.Errorf("%v, want %v", err, ErrStopping)
		}
		time.Sleep(10 * time.Minute) // stop waits, too
	})
}

func TestACommandThatNobodyWaitsForAnyMoreIsNeverRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := dispatching(t, &shelf{})
		busy, goOn := make(chan struct{}), make(chan struct{})
		go func() {
			_ = d.Ask(context.Background(), func(*schedule.Schedule, time.Time) {
				close(busy)
				<-goOn
			})
		}()
		<-busy
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var ran atomic.Bool
		go func() { ended <- d.Do(ctx, func(*schedule.Schedule, time.Time) { ran.Store(true) }) }()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want %v", err, context.Canceled)
		}
		close(goOn)
		synctest.Wait()
		if ran.Load() {
			t.Error("it was run, though whoever asked was told that it was not")
		}
		stop()
	})
}

func TestACommandUnderWayIsWaitedForThoughItsCallerIsInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := dispatching(t, &shelf{})
		ctx, cancel := context.WithCancel(t.Context())
		changed := false
		if err := d.Do(ctx, func(*schedule.Schedule, time.Time) {
			cancel()
			time.Sleep(time.Second)
			changed = true
		}); err != nil || !changed {
			t.Errorf("%v, changed: %v; want the truth: it was done", err, changed)
		}
		stop()
	})
}
