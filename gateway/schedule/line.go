package schedule

import (
	"encoding/binary"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Calls that someone else makes and waits for (a proxy's) stand in line beside the webhooks of their flow: in a queue that is in
// memory only, which takes the flow's turns with the others, under the same budget, breaker, rates, holds and slots. They have
// ids of their own, which no webhook has, and the store never hears of them.

// callerMark leads the id of a caller: a time that no clock shows (the year 10889), so that it is above every webhook's and no
// cancellation takes it.
const callerMark = 0xffff_ffff_ffff_0000

// Line has a caller stand in line in a lane, in its flow's turn and at its priority; desc has no ordering key. Next says in
// Plan.Passed when it may begin; PassEnded, or StepOut before that, must follow. False: as many stand there as a queue may have
// in memory.
func (s *Schedule) Line(now time.Time, desc *record.Queue) (id record.ID, ok bool) {
	l := s.lane(desc.Lane)
	sh := s.share(l, FlowName{desc.Tenant, desc.Flow}, desc.Priority)
	if sh.line == nil {
		sh.line = &queue{lane: l, share: sh, callers: true}
		sh.join(sh.line)
	}
	q := sh.line
	if q.window.len() >= s.set.Window {
		s.maybeIdle(q, now)
		return id, false
	}
	id = s.callerID()
	s.lined[id] = q
	q.window.insert(windowed{entry: record.Entry{Position: record.Position{ID: id}, Due: now.UnixMilli()}})
	s.entries++
	s.reseat(q, now)
	return id, true
}

// StepOut takes a caller out of the line, and says why it was still in it; nil: it is not, Next has let it begin.
func (s *Schedule) StepOut(now time.Time, id record.ID) *Waiting {
	q := s.lined[id]
	if q == nil {
		return nil
	}
	at := record.Position{ID: id}
	desc := q.desc()
	w := s.Why(now, &desc, &record.Entry{Position: at, Due: now.UnixMilli()})
	delete(s.lined, id)
	if i, ok := q.window.find(at); ok {
		q.window.remove(i)
		s.entries--
		s.reseat(q, now)
		s.maybeIdle(q, now)
	}
	return &w
}

// callerID names a caller.
func (s *Schedule) callerID() (id record.ID) {
	s.callers++
	binary.BigEndian.PutUint64(id[:], callerMark)
	binary.BigEndian.PutUint64(id[8:], s.callers)
	return id
}
