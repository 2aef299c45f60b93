package schedule

import "github.com/sluice-gateway/sluice/persist/record"

// The turns of a lane are divided by start-time fair queueing (Goyal, Vin and Cheng, "Start-time Fair Queuing", SIGCOMM
// 1996). A class keeps a virtual time, which is when the turn that was taken last began; a share's next turn begins where
// its last one ended, but never before the virtual time, and takes 1/weight of it; the earliest turn is next. So shares
// that have something due get turns by their weights, a share that is new or comes back goes after at most one turn of
// each other, and none gets credit for the time in which it wanted nothing.

// turn is a share's place in virtual time.
type turn struct {
	begins, ends float64
	seated       uint64 // earlier ones go first of those that begin together
	waits        bool   // it is among its class's shares
	index        int    // there
}

// class holds the shares of one priority that have something due, in turn.
type class struct {
	shares indexed[*share]
	now    float64 // virtual time
	// owed is how much of a turn the floor has set aside for this class while it waited.
	owed float64
}

func newClass() *class {
	return &class{shares: newIndexed(turnsBefore, func(sh *share) *int { return &sh.turn.index })}
}

func turnsBefore(a, b *share) bool {
	if a.turn.begins != b.turn.begins {
		return a.turn.begins < b.turn.begins
	}
	return a.turn.seated < b.turn.seated
}

// DefaultFloor is the part of a lane's turns that goes to each lower priority while it waits.
const DefaultFloor = 0.1

// rounding is more than what adding up fractions of turns loses.
const rounding = 1e-9

// class returns the class of a priority, known or new.
func (l *lane) class(p record.Priority) *class {
	c := &l.classes[p-record.High]
	if *c == nil {
		*c = newClass()
	}
	return *c
}

// waits reports whether any share of the class does.
func (c *class) waits() bool { return c != nil && c.shares.len() > 0 }

// turnOf picks the class whose turn it is: the highest, unless a lower one is owed a turn, this one's part included.
func (l *lane) turnOf(floor float64) *class {
	var top *class
	for _, c := range l.classes {
		switch {
		case c == nil:
			continue
		case c.shares.len() == 0:
			c.owed = 0
			continue
		}
		if top == nil {
			top = c
		} else if c.owed >= 1-floor-rounding {
			return c
		}
	}
	return top
}

// enter lets a share take turns, if anything of it is due and may start.
func (l *lane) enter(sh *share) {
	if sh.turn.waits || sh.ready.len() == 0 || sh.flow.stopped() || sh.gate != nil || sh.aside {
		return
	}
	c := l.class(sh.priority)
	l.seated++
	sh.turn.begins, sh.turn.seated, sh.turn.waits = max(sh.turn.ends, c.now), l.seated, true
	c.shares.push(sh)
}

// withdraw takes a share out of the turns.
func (l *lane) withdraw(sh *share) {
	if sh.turn.waits {
		sh.turn.waits = false
		l.class(sh.priority).shares.remove(sh)
	}
}

// tookTurn moves on a queue whose head was taken, and the share it is of; floor is the part of the turns that is set
// aside for lower priorities.
func (l *lane) tookTurn(q *queue, floor float64, nowMs int64) {
	sh := q.share
	c := l.class(sh.priority)
	for _, other := range l.classes {
		if other.waits() {
			other.owed += floor
		}
	}
	c.owed = max(0, c.owed-1)
	c.now = sh.turn.begins
	sh.turn.ends = sh.turn.begins + 1/sh.flow.weight
	sh.ready.pop()
	q.place = qNowhere
	l.seat(q, nowMs)
	if sh.ready.len() == 0 {
		l.withdraw(sh)
		return
	}
	l.seated++
	sh.turn.begins, sh.turn.seated = sh.turn.ends, l.seated
	c.shares.moved(sh)
}
