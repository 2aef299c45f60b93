// Package alarm wakes a goroutine at an instant that it names, as punctually as the system can.
//
// Go's own timers wait in epoll for whole milliseconds, so that they are late by half of one on average; a destination that
// keeps calls 10 ms apart gets a twentieth fewer for it. On Linux there are timers that can be waited for like a socket and
// are late by a tenth of that. An alarm decides nothing.
package alarm

import "time"

// Alarm is rung at an instant. It has one user, who must Close it in the end.
type Alarm interface {
	// Set has it ring at an instant, or as soon as that is past, instead of when it was set for before. It may ring earlier
	// than that, too: who finds that it is not time yet sets it again.
	Set(at time.Time)
	// Rings is sent to when it rings. It is always the same channel.
	Rings() <-chan time.Time
	// Close ends it: it never rings again and must not be set any more.
	Close() error
}

// Timer is a time.Timer as an alarm: what there is everywhere, and the only one that knows the virtual time of
// testing/synctest.
type Timer struct{ timer *time.Timer }

// NewTimer returns a Timer that is not set.
func NewTimer() Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return Timer{t}
}

// Set implements Alarm; a Timer never rings early.
func (t Timer) Set(at time.Time) { t.timer.Reset(time.Until(at)) }

// Rings implements Alarm.
func (t Timer) Rings() <-chan time.Time { return t.timer.C }

// Close implements Alarm.
func (t Timer) Close() error {
	t.timer.Stop()
	return nil
}
