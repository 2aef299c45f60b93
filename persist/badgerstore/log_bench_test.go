package badgerstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// BenchmarkHistoryPage reads first pages of 100 over 1,000,000 finished webhooks of 1,000 hosts and 20 types, of which one
// in 100,000 was answered with 418. The worst page is one that finds nothing: it looks at as many rows as its budget allows.
func BenchmarkHistoryPage(b *testing.B) {
	const webhooks, batch = 1_000_000, 1000
	s := open(b, b.TempDir(), Options{Retention: Retention{Metadata: 24 * time.Hour}})
	defer func() { _ = s.Close() }()
	c := new(clock)
	finals := make([]historic, 0, batch)
	for i := range webhooks {
		f := benchFinal(c.nextID())
		f.Host, f.Type = fmt.Sprintf("host-%d.example", i%1000), fmt.Sprintf("type-%d", i%20)
		status := 200
		if i%100_000 == 7 {
			status = 418
		}
		f.Attempts = []record.Attempt{{N: 1, At: f.CreatedAt, DurationMs: 20, Status: status, Outcome: "delivered"}}
		h := finalRecord(f, nil)
		h.keep = 24 * time.Hour
		if finals = append(finals, h); len(finals) == batch {
			if err := s.meta.append(finals); err != nil {
				b.Fatal(err)
			}
			finals = finals[:0]
		}
	}
	for _, page := range []struct {
		name   string
		filter persist.Filter
	}{
		{"all", persist.Filter{}},
		{"host", persist.Filter{Host: "host-77.example"}},
		{"type", persist.Filter{Type: "type-3"}},
		{"rare status", persist.Filter{StatusFrom: 418, StatusTo: 418}},
		{"class", persist.Filter{StatusFrom: 400, StatusTo: 499}},
		{"nothing", persist.Filter{Host: "nowhere.example"}},
	} {
		b.Run(page.name, func(b *testing.B) {
			pages := 0
			var longest time.Duration
			for b.Loop() {
				from, rows := "", 0
				for ok := true; ok; ok = from != "" && rows < 100 { // until a screen is full
					began := time.Now()
					p, err := s.History(b.Context(), &page.filter, from, 100)
					if err != nil {
						b.Fatal(err)
					}
					longest = max(longest, time.Since(began))
					from, rows, pages = p.Next, rows+len(p.Finals), pages+1
				}
			}
			b.ReportMetric(float64(pages)/float64(b.N), "pages/op")
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-page")
		})
	}
}

// BenchmarkLivePage reads first pages of 100 over 100,000 live webhooks of two hosts.
func BenchmarkLivePage(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	defer func() { _ = s.Close() }()
	other := goldenQueue
	other.Lane.Host = "other.example"
	for i := range 100 {
		q := goldenQueue
		if i == 0 {
			q = other
		}
		jobs := make([]persist.Job, 1000)
		for i := range jobs {
			jobs[i] = persist.Job{Queue: q, Payload: make([]byte, 700)}
		}
		if _, err := s.Enqueue(b.Context(), jobs); err != nil {
			b.Fatal(err)
		}
	}
	for name, host := range map[string]string{"all": "", "a host of old": "other.example"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := s.Live(b.Context(), record.ID{}, func(q *record.Queue) bool { return host == "" || q.Lane.Host == host }, 100)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
