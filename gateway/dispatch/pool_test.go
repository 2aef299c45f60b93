package dispatch

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/sluice-gateway/sluice/gateway/schedule"
)

func TestStartsThatWaitForAProcessorAreFewAndTheLoopIsToldOfRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pool
		p.cond.L = &p.mu
		var told atomic.Int32
		begin, end := make(chan struct{}), make(chan struct{})
		p.wanted = func() { told.Add(1) }
		p.work = func(schedule.Start, fate) {
			<-begin
			p.begun()
			<-end // as one who waits for its destination
		}
		if p.room() != mostUnbegun {
			t.Fatalf("there is room for %d at first, want %d", p.room(), mostUnbegun)
		}
		p.submit(make([]schedule.Start, mostUnbegun), send)
		if p.room() != 0 {
			t.Fatalf("there is room for %d more", p.room())
		}
		for range mostUnbegun / 2 {
			begin <- struct{}{}
		}
		synctest.Wait()
		if told.Load() != 1 || p.room() != mostUnbegun/2 {
			t.Errorf("told %d times, room for %d; want once, and for half", told.Load(), p.room())
		}
		close(begin)
		synctest.Wait()
		if p.room() != mostUnbegun {
			t.Errorf("room for %d where all wait for their destinations, want %d", p.room(), mostUnbegun)
		}
		close(end)
		p.stop()
	})
}

func TestWhatIsTakenBackLeavesItsRoom(t *testing.T) {
	p := pool{queue: make([]job, 3)} // that no worker takes
	p.unbegun.Add(3)
	p.discard(func(schedule.Start) {})
	if p.room() != mostUnbegun {
		t.Errorf("room for %d after all was taken back, want %d", p.room(), mostUnbegun)
	}
}
