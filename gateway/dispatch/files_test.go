package dispatch

import (
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// That no file can be opened here says nothing of the destination.
func TestAWantOfFilesSpendsNoTriesAndOpensNoBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		s := &shelf{payloads: map[record.ID][]byte{e.ID: payload()}}
		d, stop := failing(t, s, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)})
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
		time.Sleep(time.Minute)
		all := s.all()
		if len(all) < 30 {
			t.Errorf("it was tried %d times in a minute, want about once a second", len(all))
		}
		for _, each := range all {
			if each.Next == nil || each.Next.Tries != 0 || each.Attempt != nil {
				t.Fatalf("settled %+v, want it as it was", each)
			}
		}
		stop()
	})
}
