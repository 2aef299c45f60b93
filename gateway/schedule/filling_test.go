package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// backlogged is a schedule in which nothing has started yet, before as many hosts with a backlog on disk each, whose reads are
// answered. With a flow that is held, nothing may start.
func backlogged(t *testing.T, hosts, each int, held bool, set schedule.Settings) (*schedule.Schedule, func()) {
	t.Helper()
	s := unlimited(set)
	if held {
		s.HoldFlow(epoch, schedule.FlowName{Tenant: "default", Flow: "f"})
	}
	d := disk{entries: map[record.QueueID]map[record.Position]record.Entry{}}
	n := 0
	for h := range hosts {
		q := queueOf(fmt.Sprintf("h%d.example", h), "f")
		for range each {
			f := fresh(q, n, epoch)
			d.put(f.ID, f.Entry)
			n++
		}
		s.Found(q.ID(), &q, record.Position{})
	}
	read := func() {
		for {
			p := s.NextOf(epoch, 0)
			if len(p.Read) == 0 {
				return
			}
			for _, r := range append([]schedule.Read(nil), p.Read...) {
				s.ReadDone(epoch, r.Queue, d.window(r.Queue, r.After, r.Limit), false)
			}
		}
	}
	read()
	return s, read
}

func TestWindowsOfManyQueuesShareTheRoomForEntries(t *testing.T) {
	const room = 4096
	for _, c := range []struct{ hosts, least, most int }{
		{1, 200, 200},             // a window
		{20, 2000, 4000},          // nearly whole windows
		{500, room, room + 4*500}, // what is left of the room, or four
		{2000, 4 * 2000, room + 4*2000},
	} {
		s, _ := backlogged(t, c.hosts, 300, false, schedule.Settings{Window: 200, MaxEntries: room})
		if got := s.InMemory(); got < c.least || got > c.most {
			t.Errorf("%d queues have %d entries in memory, want %d to %d", c.hosts, got, c.least, c.most)
		}
	}
}

func TestWhatIsHeldNeedsNoRoomWhereItIsShort(t *testing.T) {
	const room, hosts = 4096, 3000
	s, read := backlogged(t, hosts, 20, true, schedule.Settings{Window: 200, MaxEntries: room})
	if got := s.InMemory(); got > room+hosts {
		t.Errorf("%d entries of %d queues that are held are in memory, want one each and what there was room for", got, hosts)
	}
	s.ResumeFlow(epoch, schedule.FlowName{Tenant: "default", Flow: "f"})
	read()
	if got := s.InMemory(); got < 4*hosts {
		t.Errorf("%d entries of %d queues are in memory when they may go, want four each at least", got, hosts)
	}
}

func TestManyLanesStartOneCallEachWhereSlotsAreFew(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 400})
	n := 0
	for h := range 300 {
		for range 16 {
			s.Committed(epoch, fresh(queueOf(fmt.Sprintf("h%d.example", h), "f"), n, epoch))
			n++
		}
	}
	begun := map[string]int{}
	for _, st := range s.Next(epoch).Start {
		begun[st.Lane.Host]++
	}
	if len(begun) != 300 {
		t.Errorf("%d of 300 hosts got a slot", len(begun))
	}
}

func TestNoMoreStartsThanAreAskedForAndTheRestIsNotForgotten(t *testing.T) {
	s := unlimited(schedule.Settings{})
	const all = 1000
	for n := range all {
		s.Committed(epoch, fresh(queueOf(fmt.Sprintf("h%d.example", n%10), "f"), n, epoch))
	}
	started := 0
	for now := epoch; started < all; now = now.Add(time.Millisecond) {
		p := s.NextOf(now, 20)
		if len(p.Start) == 0 || len(p.Start) >= 20+16 {
			t.Fatalf("%d start at once after %d, want 20, and less than a turn more", len(p.Start), started)
		}
		for _, st := range p.Start {
			finish(s, st, now)
		}
		started += len(p.Start)
	}
	if p := s.NextOf(epoch.Add(time.Minute), 0); len(p.Start) > 0 {
		t.Errorf("%d start where none was to", len(p.Start))
	}
}
