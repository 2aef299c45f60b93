package badgerstore

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestSettlingAgainTellsWhereTheWebhookWentTheFirstTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), Options{})
		receipts, err := s.Enqueue(t.Context(), []persist.Deposit{{Queue: goldenQueue, Payload: []byte("p")}})
		if err != nil {
			t.Fatal(err)
		}
		ref := persist.QueueRef{Part: goldenQueue.Part(), ID: goldenQueue.ID()}
		was, err := s.Window(t.Context(), ref, record.Position{}, 1)
		if err != nil || len(was) != 1 {
			t.Fatal(was, err)
		}
		batch := func() persist.Batch {
			next := was[0]
			next.Tries, next.Due = 1, was[0].Due // long past when it is settled: its rank is the store's clock
			return persist.Batch{Settlements: []persist.Settlement{{
				Queue: ref, Was: was[0].Position, ID: receipts[0].ID, Next: &next,
				Attempt: &record.Attempt{N: 1, Outcome: "retry"},
			}}}
		}
		for range 3 {
			time.Sleep(3 * time.Second)
			b := batch()
			if _, err := s.Settle(t.Context(), "", b); err != nil {
				t.Fatal(err)
			}
			now, err := s.Window(t.Context(), ref, record.Position{}, 2)
			if err != nil || len(now) != 1 || now[0].Position != b.Settlements[0].Next.Position {
				t.Errorf("told %v, on disk %v (%v)", b.Settlements[0].Next.Position, now, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
