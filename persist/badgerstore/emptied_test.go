package badgerstore

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Of queues that a run left empty the rows go after the next opening, which need not look at any of them; what holds something,
// or is used again meanwhile, stays.
func TestQueuesLeftEmptyAreSoughtWhileNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir, Options{NoCompaction: true})
		const queues = 3 * soughtAtOnce
		var over []persist.Settlement
		queue := func(n int) record.Queue {
			return record.Queue{Lane: record.Lane{Host: fmt.Sprintf("h%d.example", n)}, Flow: "f"}
		}
		for n := range queues {
			q := queue(n)
			receipts, err := s.Enqueue(t.Context(), one(q, 1))
			if err != nil {
				t.Fatal(err)
			}
			if n%3 == 0 {
				continue // it keeps its webhook
			}
			ref := persist.QueueRef{Part: q.Part(), ID: q.ID()}
			es, err := s.Window(t.Context(), ref, record.Position{}, 2)
			if err != nil || len(es) != 1 {
				t.Fatalf("%d entries, %v", len(es), err)
			}
			over = append(over, persist.Settlement{
				Queue: ref, Was: es[0].Position, ID: receipts[0].ID, Final: &record.Final{State: record.Cancelled},
			})
		}
		if _, err := s.Settle(t.Context(), "me", persist.Batch{Settlements: over}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		s = open(t, dir, Options{NoCompaction: true})
		defer func() { _ = s.Close() }()
		if _, err := s.Enqueue(t.Context(), one(queue(1), 1)); err != nil { // used again
			t.Fatal(err)
		}
		time.Sleep(seekAfter) // in virtual time
		synctest.Wait()
		listed := map[string]bool{}
		for part := range record.Parts {
			heads, err := s.Queues(t.Context(), record.Part(part), record.QueueID{}, queues)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range heads {
				listed[h.Queue.Lane.Host] = true
			}
		}
		for n := range queues {
			if want := n%3 == 0 || n == 1; listed[queue(n).Lane.Host] != want {
				t.Errorf("queue %d is listed: %t, want %t", n, !want, want)
			}
		}
	})
}
