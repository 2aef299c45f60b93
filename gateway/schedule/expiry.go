package schedule

import (
	"container/heap"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// deadline is when an entry in memory expires. One whose entry has left memory means nothing any more.
type deadline struct {
	at    int64 // Unix ms
	queue record.QueueID
	entry record.Position
}

// watch notes an entry's deadline, so that it ends then though its lane is held.
func (s *Schedule) watch(q *queue, e *record.Entry) {
	if e.Expires == 0 {
		return
	}
	if e.Early {
		s.judgeLater(q)
	}
	if n := len(s.deadlines); n == cap(s.deadlines) && n > 2*s.entries {
		s.deadlines = slices.DeleteFunc(s.deadlines, func(d deadline) bool { return !s.holds(&d) })
		heap.Init(&s.deadlines)
	}
	heap.Push(&s.deadlines, deadline{e.Expires, q.id, e.Position})
}

func (s *Schedule) holds(d *deadline) bool {
	q := s.queues[d.queue]
	if q == nil {
		return false
	}
	_, ok := q.window.find(d.entry)
	return ok
}

// expiredAtOnce bounds what one Next expires: each is read and settled like any other.
const expiredAtOnce = 256

// expire takes what is past its deadline out of the windows, as far as there is room for it; by the clock as it was, while a leap
// is held against it.
func (s *Schedule) expire(now time.Time, p *Plan) {
	past := now.UnixMilli() - s.leap.by
	for len(p.Expired) < expiredAtOnce && s.free() > 0 && len(s.deadlines) > 0 && s.deadlines[0].at <= past {
		d := heap.Pop(&s.deadlines).(deadline) //nolint:forcetypeassert // nothing else is in it
		if !s.holds(&d) {
			continue
		}
		q := s.queues[d.queue]
		i, _ := q.window.find(d.entry)
		e := q.window.remove(i)
		s.left(q, &e, unsettled)
		p.Expired = append(p.Expired, Start{Queue: q.id, Lane: q.lane.id, Entry: e.entry, Content: e.content})
		s.reseat(q, now)
		s.refill(q)
	}
}

type deadlines []deadline

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at < d[j].at }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is heap.Interface's.
func (d *deadlines) Push(x any) { *d = append(*d, x.(deadline)) } //nolint:forcetypeassert // heap.Push is given nothing else

// Pop is heap.Interface's.
func (d *deadlines) Pop() any {
	n := len(*d) - 1
	last := (*d)[n]
	*d = (*d)[:n]
	return last
}
