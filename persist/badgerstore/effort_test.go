package badgerstore

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// TestPagesCutShortByTheClockTellAllOnce has every page's time be up at once: each goes on a little all the same.
func TestPagesCutShortByTheClockTellAllOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{Retention: Retention{Metadata: time.Hour}})
	s.pageTime = 0
	const n, rare = 5000, 777 // one of so many is meant
	c := new(clock)
	var finals []historic
	for i := range n {
		f := benchFinal(c.nextID())
		if i%rare == 0 {
			f.Flow = "rare"
		}
		h := finalRecord(f, f.Encode(), nil)
		h.keep = time.Hour
		finals = append(finals, h)
	}
	if err := s.meta.append(finals); err != nil {
		t.Fatal(err)
	}
	for flow, want := range map[string]int{"": n, "rare": n/rare + 1, "none": 0} {
		seen, pages := map[record.ID]bool{}, 0
		for from := ""; ; {
			page, err := s.History(t.Context(), &persist.Filter{Flow: flow}, from, 500)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Finals {
				seen[f.ID] = true
			}
			if pages++; page.Next == "" {
				break
			}
			if page.Next == from {
				t.Fatalf("flow %q: page %d goes nowhere", flow, pages)
			}
			from = page.Next
		}
		if len(seen) != want || pages < 3 {
			t.Errorf("flow %q: %d webhooks on %d pages, want %d", flow, len(seen), pages, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestPagesOfLiveWebhooksCutShortTellAllOnce is the same for those in the journal and in the database.
func TestPagesOfLiveWebhooksCutShortTellAllOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.pageTime = 0
	other := goldenQueue
	other.Lane.Host = "other.example"
	all := map[string]int{}
	for i := range 30 {
		q := goldenQueue
		if i%7 == 0 {
			q = other
		}
		deposits := make([]persist.Deposit, 200)
		for j := range deposits {
			deposits[j] = persist.Deposit{Queue: q, Payload: []byte{byte(i)}}
		}
		if i%2 == 0 { // into the database
			deposits[0].Idempotency = &persist.Idempotency{Key: [32]byte{byte(i), 1}}
		}
		if _, err := s.Enqueue(t.Context(), deposits); err != nil {
			t.Fatal(err)
		}
		all[q.Lane.Host] += len(deposits)
		all[""] += len(deposits)
	}
	for _, host := range []string{"", "other.example", "none.example"} {
		seen, pages := map[record.ID]bool{}, 0
		for before := (record.ID{}); ; {
			page, err := s.Live(t.Context(), before, func(q *record.Queue) bool { return host == "" || q.Lane.Host == host }, 500)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Rows {
				if seen[r.Entry.ID] {
					t.Fatalf("host %q: %s is told twice", host, r.Entry.ID)
				}
				seen[r.Entry.ID] = true
			}
			if pages++; page.Next == (record.ID{}) {
				break
			}
			if before != (record.ID{}) && page.Next.Compare(before) >= 0 {
				t.Fatalf("host %q: page %d goes nowhere", host, pages)
			}
			before = page.Next
		}
		if len(seen) != all[host] || pages < 3 {
			t.Errorf("host %q: %d webhooks on %d pages, want %d", host, len(seen), pages, all[host])
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
