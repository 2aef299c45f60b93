package schedule

import (
	"math"
	"time"
)

// A webhook that is to expire early ends when it can be seen that its turn comes after its deadline, however well it goes from
// now on: the lane has all that may be foreseen of its destination (limiter.Budget.Foresee), nothing of other flows goes before it,
// and what goes before it in its own queue goes at once where it may. Only pauses and an open breaker last as long as they
// were said to, and nothing before it is cancelled; an operator who ends them sooner, or cancels, comes too late for what
// has ended meanwhile. What is on disk is judged when it comes to memory.

const (
	// judgeSoonest and judgeLatest bound when a queue is looked at again: when the first of it may have become hopeless, which is
	// when as much time has passed as it has to spare.
	judgeSoonest = time.Second
	judgeLatest  = 10 * time.Second
	// judgedAtOnce is how many queues, of a window each, one Next looks at.
	judgedAtOnce = 8
)

// judgeLater has a queue looked at for what has become hopeless in it.
func (s *Schedule) judgeLater(q *queue) {
	if q.judgement == nil {
		q.judgement = &judgement{queue: q}
		s.unjudged.push(q.judgement)
	}
}

// judgement is of a queue with something that is to expire early.
type judgement struct {
	queue *queue
	at    time.Time // when it is looked at next
	index int       // in Schedule.judged
}

// endHopelessQueues ends what has become hopeless, as far as there is room for it.
func (s *Schedule) endHopelessQueues(now time.Time, p *Plan) {
	for s.unjudged.len() > 0 {
		j := s.unjudged.pop()
		j.at = now
		s.judged.push(j)
	}
	for range judgedAtOnce {
		j := s.judged.first()
		if j == nil || s.leap.by != 0 || j.at.After(now) || s.free() <= 0 || len(p.Expired) >= expiredAtOnce {
			return
		}
		spare, some := s.endHopeless(j.queue, now, p)
		if s.judged.remove(j); !some {
			j.queue.judgement = nil
			continue
		}
		j.at = now.Add(min(max(spare, judgeSoonest), judgeLatest))
		s.judged.push(j)
	}
}

// endHopeless takes what is hopeless out of a queue's window. It returns how long the least of the others has to spare, and
// whether there are any that are to expire early.
func (s *Schedule) endHopeless(q *queue, now time.Time, p *Plan) (spare time.Duration, some bool) {
	spare = judgeLatest
	if q.searched() {
		return spare, true
	}
	perSecond, atOnce := s.warmLane(q.lane, now).budget.Foresee()
	for _, g := range []*flowGate{&q.share.flow.gate, &q.share.flow.tenant.gate} {
		if g.rate > 0 && g.rate < perSecond {
			perSecond, atOnce = g.rate, int64(math.Ceil(g.rate))
		}
	}
	begin := now
	if l := q.lane; l.place == inAsleep && (l.blocked == Pause || l.blocked == Breaker) {
		begin = l.at
	}
	// One less than go before it: what has a deadline of its own may expire just before its turn at any slower pace.
	before := -atOnce - 1
	room := min(s.free(), expiredAtOnce-len(p.Expired))
	for i := 0; i < q.window.len(); {
		e := q.window.entry(i)
		turn := begin
		if before > 0 {
			turn = begin.Add(time.Duration(math.Min(float64(before)/perSecond, farthest.Seconds()) * float64(time.Second)))
		}
		left := time.UnixMilli(e.Expires).Sub(turn)
		switch {
		case e.Expires != 0 && left <= 0 && e.Early && room > 0:
			gone := q.window.remove(i)
			s.left(q, &gone, unsettled)
			p.Expired = append(p.Expired, Start{Queue: q.id, Lane: q.lane.id, Entry: gone.entry, Content: gone.content})
			room--
			some = some || q.more
			continue
		case e.Expires == 0 || left > 0:
			before++
		}
		if e.Early {
			some, spare = true, min(spare, left)
		}
		i++
	}
	s.reseat(q, now)
	s.refill(q)
	return spare, some
}
