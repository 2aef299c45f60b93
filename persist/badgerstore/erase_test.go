package badgerstore

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// TestErasureThatWasBrokenOffIsFinishedByTheNext has the payloads' file refuse to be rewritten once: the erasure that follows
// must still know whose they were.
func TestErasureThatWasBrokenOffIsFinishedByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir, Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
		var ids []record.ID
		for range 3 {
			ids = append(ids, accept(t, s, goldenQueue, 100))
		}
		entries, err := s.Window(t.Context(), goldenRef, record.Position{}, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			settleOne(t, s, persist.Settlement{Queue: goldenRef, Was: e.Position, ID: e.ID, Final: &record.Final{
				ID: e.ID, State: record.Delivered, URL: "https://a.example/", Subject: record.Digest{1}, FinishedAt: time.Now().UnixMilli(),
			}})
		}
		for _, f := range s.body.all() { // closed, so that what is to be written beside it has its name
			if err := f.close(); err != nil {
				t.Fatal(err)
			}
			for _, seg := range f.closed {
				if err := os.MkdirAll(filepath.Join(seg.path+newSuffix, "in the way"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
		}
		filter := &persist.Filter{Subject: record.Digest{1}}
		if n, err := s.Erase(t.Context(), filter); err == nil {
			t.Fatalf("erased %d where nothing could be written", n)
		}
		for _, f := range s.body.all() {
			for _, seg := range f.closed {
				if err := os.RemoveAll(seg.path + newSuffix); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n, err := s.Erase(t.Context(), filter); err != nil || n != len(ids) {
			t.Errorf("erased %d, %v; want %d", n, err, len(ids))
		}
		for _, id := range ids {
			v, err := s.Webhook(t.Context(), id)
			if err != nil || v.Payload != nil || v.Final.URL != "" {
				t.Errorf("after its erasure: %+v, %v", v, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
