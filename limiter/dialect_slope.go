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
	Low   float64   `json:"low,omitempty"` // the lowest since
	At    int64     `json:"at,omitempty"`  // Unix ms
	Limit int64     `json:"limit,omitempty"`
}

const (
	// shortestSlope and longestSlope bound the time between two values that are compared: nearer ones differ by
	// rounding, farther ones are of different windows.
	shortestSlope = time.Second
	longestSlope  = 10 * time.Minute
	// quickSlope is how soon it shows whether a value runs in milliseconds: by then it fell by a quarter of a thousand, and none in
	// seconds by more than quickFall. Of a window of a second nothing else can show it.
	quickSlope, quickFall = time.Second / 4, 20
	// riseAtLeast, and the part riseShare of a value, inverted, is by how much a later one must be higher to have risen.
	riseAtLeast, riseShare = 2, 10
	// constantFor is how long a value must stay: a delta in seconds has moved by then, whichever way it is rounded.
	constantFor = 3 * time.Second
	// votesNeeded is how many comparisons in a row must agree: one alone may have met two windows.
	votesNeeded = 2
	// votesAgainst is how many it takes where milliseconds were seen, each over constantFor: what a bucket or a sliding window in steady use
	// tells hardly moves, and a second is a thousandth of what it varies by.
	votesAgainst = 8
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
	fall := m.Raw - w.ResetRaw
	if m.rose(w.ResetRaw) {
		m.begin(w, received)
		return
	}
	if apart >= 0 && apart < shortestSlope && m.Limit == w.Limit && fall >= 0 {
		if apart >= quickSlope {
			m.learnSoon(w, fall, apart, sent, received)
		}
		return
	}
	still := fall == 0 && m.Limit == w.Limit && apart <= longestSlope
	if still && apart < constantFor {
		return // wait until it should have moved
	}
	guess := ResetUntold
	if m.Limit == w.Limit && apart >= shortestSlope && apart <= longestSlope {
		guess = formOfSlope(fall, apart.Seconds(), received.Sub(sent).Seconds())
	}
	needed := uint8(votesNeeded)
	if m.Form == DeltaMillis && guess != DeltaMillis {
		switch needed = votesAgainst; {
		case m.Limit == w.Limit && apart >= 0 && apart < constantFor:
			return
		case guess == Constant: // it was seen to move
			guess = ResetUntold
		}
	}
	m.begin(w, received)
	m.vote(guess, needed)
}

// begin takes a value as the one that the next ones are compared with.
func (m *ResetMemory) begin(w *Window, received time.Time) {
	m.Raw, m.Low, m.At, m.Limit = w.ResetRaw, w.ResetRaw, received.UnixMilli(), w.Limit
}

// rose reports whether a value is higher than one since that which it is to be compared with, by more than the order of responses explains.
func (m *ResetMemory) rose(raw float64) bool {
	m.Low = min(m.Low, raw)
	return raw > m.Low+max(riseAtLeast, m.Raw/riseShare)
}

// learnSoon takes in whether a value runs in milliseconds. That it does not is said once, for what does not move may be constant.
func (m *ResetMemory) learnSoon(w *Window, fall float64, apart time.Duration, sent, received time.Time) {
	switch guess := formOfSlope(fall, apart.Seconds(), received.Sub(sent).Seconds()); {
	case guess == DeltaMillis && fall > quickFall:
		m.begin(w, received)
		m.vote(guess, votesNeeded)
	case guess == DeltaSeconds && m.Votes == 0 && m.Form == ResetUntold:
		m.vote(guess, votesNeeded)
	}
}

// vote counts what a comparison speaks for.
func (m *ResetMemory) vote(guess ResetForm, needed uint8) {
	switch {
	case guess == ResetUntold && m.Form == DeltaMillis:
		m.Guess, m.Votes = ResetUntold, 0 // what speaks against it must do so in a row
		return
	case guess == ResetUntold:
		return
	case guess != m.Guess:
		m.Guess, m.Votes = guess, 1
	case m.Votes < needed:
		m.Votes++
	}
	if m.Votes >= needed {
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
