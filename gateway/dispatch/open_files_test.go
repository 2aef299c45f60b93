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

func wantOfFiles() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
}

// That no file can be opened here says nothing of the destination.
func TestAWantOfFilesSpendsNoTriesAndOpensNoBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		s := &shelf{payloads: map[record.ID][]byte{e.ID: payload()}}
		d, stop := failing(t, s, wantOfFiles())
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

func TestAWantOfFilesOfProxiedCallsOpensNoBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := failing(t, &shelf{}, wantOfFiles())
		w := &record.Webhook{
			Method: "POST", URL: "http://nowhere.example/", Host: nowhere.Lane.Host, Tenant: "default", Flow: "f", Policy: "default",
		}
		for n := range 50 {
			f, err := d.Forward(w, nil, false, time.Second)
			if err != nil {
				t.Fatalf("call %d: %v, want that it is made", n, err)
			}
			if !wantsFiles(f.Resp.Err) {
				t.Fatalf("call %d: %v, want one of files: this proves nothing", n, f.Resp.Err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if _, resp, err := d.Tunnel(w, time.Second); err != nil || !wantsFiles(resp.Err) {
				t.Fatalf("tunnel %d: %v", n, err)
			}
		}
		stop()
	})
}
