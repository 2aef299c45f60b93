package schedule

import "time"

// Lanes that have something to start stand in a line, Schedule.runnable. Where there are slots enough, Next comes to its end each time.

const (
	mostAtOnce  = 16 // webhooks that a lane may start before the next lane's turn
	fewestLanes = 64 // with so many lanes before their turns each starts as many as there are slots for
	mostInRow   = 4  // webhooks that a lane may start in a turn one after another, each when the one before was answered
)

// quantum is how many webhooks a lane may start before the next lane's turn. Where more lanes want slots than there are, it is
// one: the slots go to many hosts, and each has a connection that it can keep, instead of a few hosts having many that they
// cannot.
func (s *Schedule) quantum() int {
	lanes := s.runnable.len()
	if lanes < fewestLanes {
		return mostAtOnce
	}
	return min(mostAtOnce, max(1, s.free()/lanes))
}

// giveTurn gives a lane a turn in Next.
func (s *Schedule) giveTurn(l *lane) {
	switch l.place {
	case inRunnable:
		return
	case inAsleep:
		s.asleep.remove(l)
	}
	l.place = inRunnable
	s.runnable.push(l)
}

// Where lanes wait for slots and a call is answered, its own lane starts another, mostInRow in all. The connection is open just then.
// By the lane's next turn it would be closed where there are more hosts than connections that are kept, and connecting, with all
// that hangs on it, is half of what a delivery costs. The lane keeps its place in the line meanwhile.

// answered notes that a call was answered whose lane waits for its turn.
func (s *Schedule) answered(l *lane) {
	if l.wentOn < mostInRow-1 {
		l.wentOn++
		s.connected.push(l)
	}
}

// goOn lets a lane start one webhook more in its last turn.
func (s *Schedule) goOn(l *lane, now time.Time, p *Plan) {
	if l.place != inRunnable || s.visit(l, 1, now, p) {
		return
	}
	// It wants no turn any more, or not yet: its place in the line is passed over.
	l.passedOver++
	if l.place == inRunnable {
		l.place = nowhere
	}
}

// nextInLine takes the lane whose turn it is from the line; nil: the place was left.
func (s *Schedule) nextInLine() *lane {
	l := s.runnable.pop()
	if l.passedOver > 0 {
		l.passedOver--
		return nil
	}
	l.place, l.wentOn = nowhere, 0
	return l
}
