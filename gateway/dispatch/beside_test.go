package dispatch

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// slow is a store that answers when it is let.
type slow struct {
	*shelf
	asked, let chan struct{}
}

func (s *slow) wait() {
	close(s.asked)
	<-s.let
}

func (s *slow) StatesOf(context.Context, string) ([]persist.State, error) {
	s.wait()
	return nil, nil
}

func (s *slow) Payload(context.Context, record.ID) ([]byte, error) {
	s.wait()
	return nil, persist.ErrNotFound
}

func (s *slow) Webhook(context.Context, record.ID) (*persist.View, error) {
	s.wait()
	return nil, persist.ErrNotFound
}

func TestNothingReadsTheStoreOnceRunHasReturned(t *testing.T) {
	for name, begin := range map[string]func(d *Dispatcher){
		"reading back what was saved of a host": func(d *Dispatcher) { d.recall(context.Background(), nowhere.Lane.Host) },
		"cancelling later":                      func(d *Dispatcher) { _ = d.CancelLater(context.Background(), entryOf(1).ID, "for the test") },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &slow{&shelf{}, make(chan struct{}), make(chan struct{})}
			d, stop := dialling(t, s, func(context.Context, string, string) (net.Conn, error) { return nil, errDisk })
			begin(d)
			<-s.asked
			ended := make(chan struct{})
			go func() {
				stop()
				close(ended)
			}()
			time.Sleep(time.Hour)
			select {
			case <-ended:
				t.Errorf("%s: Run returned under it", name)
			default:
			}
			close(s.let)
			<-ended
		})
	}
}
