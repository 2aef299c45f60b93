package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// TestAFlowWaitsFromItsFirstWebhookToTheSettlementOfItsLast follows what is said of the flows of a lane, one of which is on disk.
func TestAFlowWaitsFromItsFirstWebhookToTheSettlementOfItsLast(t *testing.T) {
	s := unlimited(schedule.Settings{TellFlows: true})
	var said []string
	hear := func() []string {
		said = said[:0]
		s.FlowsWaiting(func(w *schedule.FlowWaits) {
			said = append(said, map[bool]string{true: "+", false: "-"}[w.Waits]+w.Flow.Flow)
		})
		return said
	}
	want := func(after string, want ...string) {
		t.Helper()
		if got := hear(); !slices.Equal(got, want) {
			t.Errorf("after %s: %q, want %q", after, got, want)
		}
	}
	disk, f := queueOf("a.example", "disk"), queueOf("a.example", "f")
	s.Found(disk.ID(), &disk, record.Position{})
	want("a queue was found", "+disk")
	s.Committed(epoch, fresh(f, 1, epoch))
	s.Committed(epoch, fresh(f, 2, epoch))
	want("two were accepted", "+f")
	p := s.Next(epoch)
	starts := slices.Clone(p.Start)
	s.ReadDone(epoch, disk.ID(), nil, false)
	want("nothing was found on disk", "-disk")
	finish(s, starts[0], epoch)
	want("the first of two was delivered")
	ended(s, starts[1], epoch)
	retry := starts[1].Entry
	retry.Due = epoch.Add(time.Hour).UnixMilli()
	retry.Rank = retry.Due
	s.Settled(epoch, retry.ID, &retry)
	want("the second is to be tried again")
	now := epoch.Add(time.Hour)
	finish(s, s.Next(now).Start[0], now)
	want("all are delivered", "-f")
	s.Committed(now, fresh(f, 3, now))
	want("another was accepted before the queue was forgotten", "+f")
}
