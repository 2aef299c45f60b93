package server

import (
	"maps"
	"time"
)

// outcome is how a call is counted.
type outcome uint8

const (
	accepted outcome = iota // answered 2xx
	refused                 // answered 429 by the limiter
	failed                  // answered with another status, as it was configured to
)

// tally counts calls. What it remembers to know duplicates grows by some 30 bytes for each webhook accepted, without
// a bound: a run of ten million webhooks takes some 300 MB.
type tally struct {
	received   int
	outcomes   [failed + 1]int
	duplicates int
	firstAt    time.Time
	lastAt     time.Time
	byStatus   map[int]int
	seen       map[key]struct{} // answered 2xx
	second     second
}

func newTally() tally {
	return tally{byStatus: map[int]int{}, seen: map[key]struct{}{}}
}

func (t *tally) count(now time.Time, status int, o outcome, k key) {
	if t.received == 0 {
		t.firstAt = now
	}
	t.lastAt = now
	t.received++
	t.outcomes[o]++
	t.byStatus[status]++
	if o != accepted {
		return
	}
	t.second.count(now)
	before := len(t.seen)
	t.seen[k] = struct{}{}
	if len(t.seen) == before {
		t.duplicates++
	}
}

func (t *tally) stats() Stats {
	return Stats{
		Received:     t.received,
		Accepted:     t.outcomes[accepted],
		Refused:      t.outcomes[refused],
		Failed:       t.outcomes[failed],
		Duplicates:   t.duplicates,
		MaxPerSecond: t.second.most,
		FirstAt:      t.firstAt,
		LastAt:       t.lastAt,
		ByStatus:     maps.Clone(t.byStatus),
	}
}

// second finds the most calls within any second: it keeps those of the last one.
type second struct {
	calls []time.Time // oldest first; those before head are over a second old
	head  int
	most  int
}

func (s *second) count(now time.Time) {
	for s.head < len(s.calls) && now.Sub(s.calls[s.head]) >= time.Second {
		s.head++
	}
	if s.head > 0 && s.head >= len(s.calls)/2 {
		n := copy(s.calls, s.calls[s.head:])
		s.calls, s.head = s.calls[:n], 0
	}
	s.calls = append(s.calls, now)
	s.most = max(s.most, len(s.calls)-s.head)
}
