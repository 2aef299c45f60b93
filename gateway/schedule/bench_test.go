package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// BenchmarkTurn is what one webhook costs the schedule from its commit to its settlement, among many hosts or many flows.
func BenchmarkTurn(b *testing.B) {
	for _, of := range []struct{ hosts, flows int }{{1, 1}, {1, 1000}, {1000, 1}, {10_000, 1}} {
		b.Run(fmt.Sprintf("hosts=%d/flows=%d", of.hosts, of.flows), func(b *testing.B) {
			s := unlimited(schedule.Settings{})
			queues := make([]record.Queue, 0, of.hosts*of.flows)
			ids := make([]record.QueueID, 0, cap(queues))
			for h := range of.hosts {
				for f := range of.flows {
					q := queueOf(fmt.Sprintf("h%d.example", h), fmt.Sprintf("f%d", f))
					queues, ids = append(queues, q), append(ids, q.ID())
				}
			}
			now, n := epoch, 0
			f := schedule.Fresh{Content: schedule.Content{Payload: []byte{1}}}
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(10 * time.Microsecond)
				i := n % len(queues)
				f.Queue, f.ID = queues[i], ids[i]
				f.Entry.Position = record.Position{Rank: now.UnixMilli(), ID: idOf(n)}
				f.Entry.Due = now.UnixMilli()
				n++
				s.Committed(now, &f)
				for _, st := range s.Next(now).Start {
					finish(s, st, now)
				}
			}
			if s.InFlight()+s.InMemory() != 0 {
				b.Fatalf("%d in flight, %d waiting", s.InFlight(), s.InMemory())
			}
		})
	}
}
