package server

import (
	"encoding/json"
	"strconv"
	"time"
)

// Stats is what a destination counted. Each call counts once in Received and in one of Accepted, Refused and Failed.
type Stats struct {
	Received int // calls
	Accepted int // answered 2xx
	Refused  int // answered 429 by the limiter
	Failed   int // answered as configured with a status that is no 2xx
	// Duplicates is how many of the accepted calls were for a webhook already answered 2xx: one with the same
	// webhook-id or, without, with the same method, target (path and query) and body.
	Duplicates int
	// MaxPerSecond is the most accepted calls within any half-open second, wherever it begins.
	MaxPerSecond int
	FirstAt      time.Time // the first call; zero: none came
	LastAt       time.Time // the latest call
	ByStatus     map[int]int
}

// appendJSON appends the answer to statsPath: the fields in snake case, instants as RFC 3339 in UTC with
// milliseconds or null, statuses as strings.
func (s Stats) appendJSON(b []byte) []byte {
	type wire struct {
		Received     int            `json:"received"`
		Accepted     int            `json:"accepted"`
		Refused      int            `json:"refused"`
		Failed       int            `json:"failed"`
		Duplicates   int            `json:"duplicates"`
		MaxPerSecond int            `json:"max_per_second"`
		FirstAt      *string        `json:"first_at"`
		LastAt       *string        `json:"last_at"`
		ByStatus     map[string]int `json:"by_status"`
	}
	byStatus := make(map[string]int, len(s.ByStatus))
	for status, n := range s.ByStatus {
		byStatus[strconv.Itoa(status)] = n
	}
	text, err := json.Marshal(wire{s.Received, s.Accepted, s.Refused, s.Failed, s.Duplicates, s.MaxPerSecond,
		instant(s.FirstAt), instant(s.LastAt), byStatus})
	if err != nil {
		panic("server: stats do not marshal: " + err.Error()) // numbers and strings always do
	}
	return append(append(b, text...), '\n')
}

func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}
