package badgerstore

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// endMany accepts n webhooks with payloads of a size, has them end, and reads the last one back.
func endMany(ctx context.Context, t *testing.T, s *Store, n, size int) {
	t.Helper()
	deposits := make([]persist.Deposit, n)
	for i := range deposits {
		deposits[i] = persist.Deposit{Queue: goldenQueue, Payload: make([]byte, size)}
	}
	receipts, err := s.Enqueue(ctx, deposits)
	if err != nil {
		t.Fatalf("accepting: %v", err)
	}
	var batch persist.Batch
	for _, r := range receipts {
		batch.Settlements = append(batch.Settlements, persist.Settlement{
			Queue: goldenRef, Was: record.Position{Rank: int64(r.ID.Time()), ID: r.ID}, ID: r.ID,
			Final: &record.Final{ID: r.ID, State: record.Delivered, FinishedAt: time.Now().UnixMilli()},
		})
	}
	if _, err := s.Settle(ctx, "me", batch); err != nil {
		t.Fatalf("settling: %v", err)
	}
	if page, err := s.History(ctx, &persist.Filter{}, "", 10); err != nil || len(page.Finals) == 0 {
		t.Fatalf("the log: %v", err)
	}
	if v, err := s.Webhook(ctx, receipts[n-1].ID); err != nil || v.Final == nil {
		t.Fatalf("the last one is %+v, %v", v, err)
	}
}

// TestNobodyWaitsForHistoryToBeRemoved has a disk on which the removal of a file does not end, by size and by age.
func TestNobodyWaitsForHistoryToBeRemoved(t *testing.T) {
	for name, retention := range map[string]Retention{
		"size": {Metadata: time.Hour, Body: time.Hour, MaxSize: 1 << 20}, "age": {Metadata: time.Hour, Body: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{Retention: retention})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			removing, goOn := make(chan struct{}, 1000), make(chan struct{})
			s.remove = func(seg *segment) error {
				removing <- struct{}{}
				<-goOn
				return seg.remove()
			}
			for range 5 {
				endMany(ctx, t, s, 100, 5000)
			}
			if name == "age" {
				for _, f := range append(s.body.all(), s.meta.all()...) {
					f.mu.Lock()
					if err := f.closeActive(); err != nil {
						t.Fatal(err)
					}
					for _, seg := range f.closed {
						seg.newest -= 2 * time.Hour.Milliseconds()
					}
					f.mu.Unlock()
				}
				endMany(ctx, t, s, 1, 1)
			}
			<-removing
			for range 20 { // while it is being removed
				endMany(ctx, t, s, 100, 5000)
			}
			close(goOn)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if name == "size" && s.meta.bytes()+s.body.bytes() > 2<<20 {
				t.Errorf("%d bytes of history are left, of 1 MiB that may be", s.meta.bytes()+s.body.bytes())
			}
		})
	}
}
