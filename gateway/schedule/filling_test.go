package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// backlogged is a schedule that nothing starts in, before as many hosts with a backlog on disk each, whose reads are answered.
func backlogged(t *testing.T, hosts, each int, set schedule.Settings) *schedule.Schedule {
	t.Helper()
	s := unlimited(set)
	d := disk{entries: map[record.QueueID]map[record.Position]record.Entry{}}
	n := 0
	for h := range hosts {
		q := queueOf(fmt.Sprintf("h%d.example", h), "f")
		for range each {
			f := fresh(q, n, epoch)
			d.put(f.ID, f.Entry)
			n++
		}
		s.HoldHost(epoch, q.Lane.Host)
		s.Found(epoch, q.ID(), &q, record.Position{})
	}
	for {
		p := s.Next(epoch)
		if len(p.Read) == 0 {
			return s
		}
		for _, r := range append([]schedule.Read(nil), p.Read...) {
			s.ReadDone(epoch, r.Queue, d.window(r.Queue, r.After, r.Limit), false)
		}
	}
}

func TestWindowsOfManyQueuesShareTheRoomForEntries(t *testing.T) {
	const room = 4096
	for _, c := range []struct{ hosts, least, most int }{
		{1, 200, 200},             // a window
		{20, 2000, 4000},          // nearly whole windows
		{500, room, room + 8*500}, // what is left of the room, or eight
		{1000, 8 * 1000, room + 8*1000},
	} {
		s := backlogged(t, c.hosts, 300, schedule.Settings{Window: 200, MaxEntries: room})
		if got := s.InMemory(); got < c.least || got > c.most {
			t.Errorf("%d queues have %d entries in memory, want %d to %d", c.hosts, got, c.least, c.most)
		}
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
