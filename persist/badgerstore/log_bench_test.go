package badgerstore

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// BenchmarkHistoryPage reads pages of 100, until a screen is full, over 1,000,000 finished webhooks of 1,000 hosts, 20 types, 100
// flows and 10 tenants, over ten days of the clock, of which one in 100,000 was answered with 418 and failed. The worst page is
// one that finds little: it looks at as much as its budget allows. With -benchtime 200x ms/longest-page is the slowest of
// 200 screens' pages or more.
func BenchmarkHistoryPage(b *testing.B) {
	const webhooks, batch = 1_000_000, 1000
	day := time.Now()
	s := open(b, b.TempDir(), Options{Retention: Retention{Metadata: 24 * time.Hour}})
	defer func() { _ = s.Close() }()
	c := new(clock)
	finals := make([]historic, 0, batch)
	for i := range webhooks {
		f := benchFinal(c.nextID())
		f.Host, f.Type = fmt.Sprintf("host-%d.example", i%1000), fmt.Sprintf("type-%d", i%20)
		f.Flow, f.Tenant, f.FinishedAt = fmt.Sprintf("flow-%d", i%100), fmt.Sprintf("tenant-%d", i%10), day.UnixMilli()+int64(i)*864
		status := 200
		if i%100_000 == 7 {
			status, f.State = 418, record.Failed
		}
		f.Attempts = []record.Attempt{{N: 1, At: f.CreatedAt, DurationMs: 20, Status: status, Outcome: "delivered"}}
		h := finalRecord(f, f.Encode(), nil)
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
		{"rare state", persist.Filter{State: record.Failed}},
		{"state of none", persist.Filter{State: record.Expired}},
		{"flow", persist.Filter{Flow: "flow-77"}},
		{"tenant", persist.Filter{Tenants: []string{"tenant-3"}}},
		{"old period", persist.Filter{Since: day.UnixMilli(), Until: day.Add(time.Minute).UnixMilli()}},
		{"tenant and host of another", persist.Filter{Tenants: []string{"tenant-3"}, Host: "host-77.example"}},
		{"nothing", persist.Filter{Host: "nowhere.example"}},
	} {
		b.Run(page.name, func(b *testing.B) {
			pages := 0
			var longest, most time.Duration
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				from, rows := "", 0
				for ok := true; ok; ok = from != "" && rows < 100 { // until a screen is full
					began, took := time.Now(), threadTime()
					p, err := s.History(b.Context(), &page.filter, from, 100)
					if err != nil {
						b.Fatal(err)
					}
					longest, most = max(longest, time.Since(began)), max(most, threadTime()-took)
					from, rows, pages = p.Next, rows+len(p.Finals), pages+1
				}
			}
			b.ReportMetric(float64(pages)/float64(b.N), "pages/op")
			reportPages(b, longest, most)
		})
	}
}

// reportPages reports the slowest page, by the clock and by the processor's time that it took.
func reportPages(b *testing.B, longest, most time.Duration) {
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-page")
	b.ReportMetric(float64(most.Microseconds())/1000, "cpu-ms/page-at-most")
}

// BenchmarkLivePage reads pages of 100, until a screen is full, over 1,000,000 live webhooks of two hosts, of which the journal
// has the last.
func BenchmarkLivePage(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	defer func() { _ = s.Close() }()
	other := goldenQueue
	other.Lane.Host = "other.example"
	for i := range 1000 {
		q := goldenQueue
		if i == 0 {
			q = other
		}
		deposits := make([]persist.Deposit, 1000)
		for i := range deposits {
			deposits[i] = persist.Deposit{Queue: q, Payload: make([]byte, 256)}
		}
		if _, err := s.Enqueue(b.Context(), deposits); err != nil {
			b.Fatal(err)
		}
	}
	for name, host := range map[string]string{"all": "", "a host of old": "other.example", "nothing": "nowhere.example"} {
		b.Run(name, func(b *testing.B) {
			var longest, most time.Duration
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var before record.ID
			for b.Loop() {
				began, took := time.Now(), threadTime()
				page, err := s.Live(b.Context(), before, func(q *record.Queue) bool { return host == "" || q.Lane.Host == host }, 100)
				if err != nil {
					b.Fatal(err)
				}
				before, longest, most = page.Next, max(longest, time.Since(began)), max(most, threadTime()-took)
			}
			reportPages(b, longest, most)
		})
	}
}
