package dispatch

import (
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// mostUnbegun is how many starts may wait for a processor, or for the store to have what they send: more would take memory, each
// as a goroutine with its buffers, and get nothing done sooner. Destinations have no part in it: who waits for one has begun. As
// goroutines take turns, those that wait for a processor later, to connect and to read answers, are some times as many.
const mostUnbegun = 256

// spareWorkers is how many workers stay when there is nothing to do; further ones end, and their stacks with them.
const spareWorkers = 256

// pool runs starts on goroutines: one for each attempt under way, none for what waits. How many there may be is the
// schedule's decision; the pool starts what it is given.
type pool struct {
	work   func(s schedule.Start, as fate)
	wanted func() // told that there is room again, where there was none

	unbegun atomic.Int64 // starts that were submitted, and whose work has not begun
	full    atomic.Bool  // room said that there is little, and wanted was not told since

	mu     sync.Mutex
	cond   sync.Cond
	queue  []job
	head   int
	idle   int
	closed bool
}

type job struct {
	start schedule.Start
	as    fate
}

// room is how many more starts are worth submitting.
func (p *pool) room() int {
	room := mostUnbegun - int(p.unbegun.Load())
	if room < mostUnbegun/2 {
		p.full.Store(true)
		room = mostUnbegun - int(p.unbegun.Load()) // those that began meanwhile did not tell
	}
	return max(0, room)
}

// begun notes that the work of one start has begun.
func (p *pool) begun() {
	if p.unbegun.Add(-1) <= mostUnbegun/2 && p.full.Load() && p.full.CompareAndSwap(true, false) {
		p.wanted()
	}
}

func (p *pool) submit(starts []schedule.Start, as fate) {
	if len(starts) == 0 {
		return
	}
	p.unbegun.Add(int64(len(starts)))
	p.mu.Lock()
	if n := len(p.queue) - p.head; p.head > n { // more is done than waits: use its room again
		copy(p.queue, p.queue[p.head:])
		clear(p.queue[n:])
		p.queue, p.head = p.queue[:n], 0
	}
	for i := range starts {
		p.queue = append(p.queue, job{starts[i], as})
	}
	pending := len(p.queue) - p.head
	wake, hire := min(pending, p.idle), max(0, pending-p.idle)
	if hire > len(starts) {
		hire = len(starts)
	}
	p.mu.Unlock()
	for range wake {
		p.cond.Signal()
	}
	for range hire {
		go p.run()
	}
}

func (p *pool) run() {
	p.mu.Lock()
	for {
		for p.head == len(p.queue) {
			if p.closed || p.idle >= spareWorkers {
				p.mu.Unlock()
				return
			}
			p.idle++
			p.cond.Wait()
			p.idle--
		}
		j := p.queue[p.head]
		p.queue[p.head] = job{}
		p.head++
		if p.head == len(p.queue) {
			p.queue, p.head = p.queue[:0], 0
		}
		p.mu.Unlock()
		p.work(j.start, j.as)
		p.mu.Lock()
	}
}

// discard takes back what no worker has begun.
func (p *pool) discard(each func(schedule.Start)) {
	p.mu.Lock()
	left := append([]job(nil), p.queue[p.head:]...)
	clear(p.queue)
	p.queue, p.head = p.queue[:0], 0
	p.mu.Unlock()
	p.unbegun.Add(-int64(len(left)))
	for _, j := range left {
		each(j.start)
	}
}

// stop lets idle workers end; those at work end after it.
func (p *pool) stop() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cond.Broadcast()
}
