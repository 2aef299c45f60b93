package dispatch

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// passOf waits for a turn of a flow in a lane.
func passOf(d *Dispatcher, patience time.Duration, lane record.Lane, of schedule.FlowName, priority record.Priority) (*pass, error) {
	p := new(pass)
	return p, d.pass(p, patience, &record.Queue{Lane: lane, Tenant: of.Tenant, Flow: of.Flow, Priority: priority})
}

func TestAPassIsATurnOfTheLaneAndItsEndFreesTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := dispatching(t, &shelf{})
		for range 50 {
			p, err := passOf(d, time.Hour, nowhere.Lane, flow, 0)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			p.end(limiter.Observation{Sent: now, Received: now, Status: 200}, circuit.Success)
		}
		synctest.Wait()
		if l := d.Load(); l.InFlight+l.Unsettled+l.Waiting != 0 {
			t.Errorf("left over: %+v", l)
		}
		stop()
	})
}

func TestAPassWhoseTurnDoesNotComeInTimeSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := dispatching(t, &shelf{})
		if err := d.Do(t.Context(), func(s *schedule.Schedule, now time.Time) { s.HoldFlow(now, flow) }); err != nil {
			t.Fatal(err)
		}
		_, err := passOf(d, 2*time.Second, nowhere.Lane, flow, 0)
		var delayed *Delayed
		if !errors.As(err, &delayed) || delayed.Waiting.Reason != schedule.Held {
			t.Errorf("%v, want that its flow is held", err)
		}
		stop()
	})
}

func TestAShutdownTurnsAwayWhoStandInLineAndWaitsForWhoPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := dispatching(t, &shelf{})
		other := schedule.FlowName{Tenant: "default", Flow: "other"}
		if err := d.Do(t.Context(), func(s *schedule.Schedule, now time.Time) { s.HoldFlow(now, other) }); err != nil {
			t.Fatal(err)
		}
		p, err := passOf(d, time.Hour, nowhere.Lane, flow, 0)
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() {
			_, err := passOf(d, time.Hour, nowhere.Lane, other, 0)
			waiting <- err
		}()
		synctest.Wait()
		go stop()
		if err := <-waiting; !errors.Is(err, ErrStopping) {
			t.Errorf("who stood in line was told %v, want %v", err, ErrStopping)
		}
		synctest.Wait()
		select {
		case <-d.stopped:
			t.Error("it stopped with a call under way")
		default:
		}
		p.end(limiter.Observation{Failed: true}, circuit.Neutral)
		<-d.ended
		if _, err := passOf(d, time.Hour, nowhere.Lane, flow, 0); !errors.Is(err, ErrStopping) {
			t.Errorf("after the end: %v, want %v", err, ErrStopping)
		}
		time.Sleep(10 * time.Minute) // stop waits, too
	})
}

func TestWhatACallTaughtIsSavedWithinASecondThoughNothingElseHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		d, stop := dispatching(t, store)
		for range 2 { // the second is admitted without the loop
			p, err := passOf(d, time.Hour, nowhere.Lane, flow, 0)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			before, now := len(store.saved()), time.Now()
			p.end(limiter.Observation{
				Sent: now, Received: now, Status: 429, Hint: &limiter.Hint{HasRetryAfter: true, RetryAfter: time.Second},
			}, circuit.Neutral)
			time.Sleep(1100 * time.Millisecond)
			if len(store.saved()) == before {
				t.Error("the lane's pause was not saved")
			}
		}
		stop()
	})
}

func TestACallThatEndsLetsInWhoWaitsForItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := dispatching(t, &shelf{})
		var under []*pass
		for range 2 * limiter.DefaultConcurrencyMax {
			p, err := passOf(d, time.Second, nowhere.Lane, flow, 0)
			if err != nil {
				break // the lane is full
			}
			under = append(under, p)
		}
		came := make(chan error, 1)
		go func() {
			p, err := passOf(d, time.Hour, nowhere.Lane, flow, 0)
			came <- err
			p.end(limiter.Observation{Failed: true}, circuit.Neutral)
		}()
		synctest.Wait()
		select {
		case err := <-came:
			t.Fatalf("a call beyond those that the lane bears, %d, began (%v)", len(under), err)
		default:
		}
		for _, p := range under {
			p.end(limiter.Observation{Failed: true}, circuit.Neutral)
		}
		if err := <-came; err != nil {
			t.Error(err)
		}
		stop()
	})
}

func TestACallThatNoTurnCanComeForIsToldThatTheStoreIsToBlame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := entryOf(1), entryOf(2)
		s := &shelf{fail: 8, payloads: map[record.ID][]byte{first.ID: payload(), second.ID: payload()}}
		d, stop := dispatching(t, s)
		for _, e := range []record.Entry{first, second} {
			d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
			time.Sleep(60 * time.Millisecond) // one write of the first has failed, and the second stands in line
		}
		if _, err := passOf(d, 2*time.Second, nowhere.Lane, flow, 0); !errors.Is(err, ErrUnsettled) {
			t.Errorf("behind a webhook that cannot start: %v, want %v", err, ErrUnsettled)
		}
		time.Sleep(time.Minute) // the store takes them again
		p, err := passOf(d, time.Second, nowhere.Lane, flow, 0)
		if err != nil {
			t.Fatalf("afterwards: %v", err)
		}
		p.end(limiter.Observation{Failed: true}, circuit.Neutral)
		stop()
	})
}
