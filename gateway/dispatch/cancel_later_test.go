package dispatch

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// one is a store of one webhook.
type one struct {
	*shelf
	entry record.Entry
}

// Webhook returns it as it was settled last.
func (s *one) Webhook(context.Context, record.ID) (*persist.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &persist.View{Entry: &s.entry, Payload: payload()}
	if n := len(s.settled); n > 0 {
		v.Entry, v.Final = s.settled[n-1].Next, s.settled[n-1].Final
	}
	return v, nil
}

func TestACancellationWaitsForTheEndOfTheAttemptOnceAndWithoutAGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		s := &one{&shelf{payloads: map[record.ID][]byte{e.ID: payload()}}, e}
		fails := make(chan error)
		d, stop := dialling(t, s, func(ctx context.Context, _, _ string) (net.Conn, error) {
			select {
			case err := <-fails:
				return nil, err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
		synctest.Wait()
		for range 3 {
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := d.Cancel(short, e.ID, "no more"); !errors.Is(err, ErrSending) {
				t.Fatalf("cancelled while it is sent: %v, want %v", err, ErrSending)
			}
			cancel()
			if err := d.CancelLater(t.Context(), e.ID, "no more"); err != nil {
				t.Fatal(err)
			}
		}
		pending := func() (cancels, watched int) {
			if err := d.Ask(t.Context(), func(*schedule.Schedule, time.Time) { cancels, watched = len(d.cancels), len(d.watched) }); err != nil {
				t.Fatal(err)
			}
			return cancels, watched
		}
		if cancels, watched := pending(); cancels != 1 || watched != 0 {
			t.Errorf("%d are to be cancelled, %d waited for; want 1 and none", cancels, watched)
		}
		fails <- errors.New("no route to host")
		time.Sleep(time.Second)
		all := s.all()
		if n := len(all); n != 2 || all[n-1].Final == nil || all[n-1].Final.State != record.Cancelled || all[n-1].Final.Reason != "no more" {
			t.Errorf("settled %+v, want a retry and then the cancellation", all)
		}
		if cancels, watched := pending(); cancels != 0 || watched != 0 {
			t.Errorf("%d are to be cancelled, %d waited for afterwards", cancels, watched)
		}
		if err := d.CancelLater(t.Context(), e.ID, "again"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := len(s.all()); n != 2 {
			t.Errorf("settled %d times, want 2: it is over", n)
		}
		stop()
	})
}
