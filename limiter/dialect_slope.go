package limiter

import (
	"math"
	"time"
)

// ResetMemory is what is known of how one window of a host tells its reset, and the last value it told.
type ResetMemory struct {
	Source string        `json:"source,omitempty"`
	Name   string        `json:"name,omitempty"`
	Length time.Duration `json:"length_ns,omitempty"`
	Form   ResetForm     `json:"form,omitempty"` // as learned; ResetUntold: not yet
	// Guess is what the last comparisons spoke for, Votes how many in a row.
	Guess ResetForm `json:"guess,omitempty"`
	Votes uint8     `json:"votes,omitempty"`
	Raw   float64   `json:"raw,omitempty"` // as told at At
	At    int64     `json:"at,omitempty"`  // Unix ms
	Limit int64     `json:"limit,omitempty"`
}

const (
	// shortestSlope and longestSlope bound the time between two values that are compared: nearer ones differ by
	// rounding, farther ones are of different windows.
	shortestSlope = time.Second
	longestSlope  = 10 * time.Minute
	// constantFor is how long a value must stay: a delta in seconds has moved by then, whichever way it is rounded.
	constantFor = 3 * time.Second
	// votesNeeded is how many comparisons in a row must agree: one alone may have met two windows.
	votesNeeded = 2
)

// learn compares a value with the one before it. While a window lasts, a delta in seconds falls by one each second and
// one in milliseconds by a thousand; what does not move at all says how long the window is, not when it ends. A value
// that rises is of a new window, or of a bucket in use, and says nothing.
func (m *ResetMemory) learn(w *Window, sent, received time.Time) {
	if m.Form == Constant && w.ResetRaw != m.Raw {
		// It is not, or only of another window that goes by the same name.
		m.Form, m.Guess, m.Votes = ResetUntold, ResetUntold, 0
	}
	apart := time.Duration(received.UnixMilli()-m.At) * time.Millisecond
	if apart >= 0 && apart < shortestSlope && m.Limit == w.Limit && w.ResetRaw <= m.Raw {
		return
	}
	fall := m.Raw - w.ResetRaw
	still := fall == 0 && m.Limit == w.Limit && apart <= longestSlope
	if still && apart < constantFor {
		return // wait until it should have moved
	}
	guess := ResetUntold
	if m.Limit == w.Limit && apart >= shortestSlope && apart <= longestSlope {
		guess = formOfSlope(fall, apart.Seconds(), received.Sub(sent).Seconds())
	}
	m.Raw, m.At, m.Limit = w.ResetRaw, received.UnixMilli(), w.Limit
	switch {
	case guess == ResetUntold:
		return
	case guess != m.Guess:
		m.Guess, m.Votes = guess, 1
	case m.Votes < votesNeeded:
		m.Votes++
	}
	if m.Votes >= votesNeeded {
		m.Form = guess
	}
}

// formOfSlope is the form of a value that fell by that much in so many seconds.
func formOfSlope(fall, seconds, rtt float64) ResetForm {
	const rounding = 1.1
	switch {
	case math.Abs(fall-seconds) <= rounding+rtt:
		return DeltaSeconds
	case math.Abs(fall-1000*seconds) <= 1000*(rtt+0.05*seconds)+rounding:
		return DeltaMillis
	case fall == 0:
		return Constant
	}
	return ResetUntold
}
