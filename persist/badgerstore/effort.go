package badgerstore

import "time"

// pageTime is how long one page of the log is worked on, at most, whatever the rows cost: records may have to come from a slow
// disk, and others may have the processors. Behind it the page ends, short, with where it goes on.
const pageTime = 10 * time.Millisecond

// effort is what one page may cost.
type effort struct {
	rows  int       // left
	until time.Time // by the clock
	spent int       // since the clock was looked at
}

// lookEvery is how many rows are looked at between two looks at the clock: some microseconds' work, and a page's first step.
const lookEvery = 1024

func newEffort(rows int, within time.Duration) *effort {
	return &effort{rows: rows, until: time.Now().Add(within)}
}

// spend takes what so many rows cost, and reports whether there was as much left.
func (e *effort) spend(rows int) bool {
	e.rows -= rows
	if e.spent += rows; e.spent >= lookEvery {
		e.spent = 0
		if !time.Now().Before(e.until) {
			e.rows = min(e.rows, 0)
		}
	}
	return e.rows >= 0
}

// over reports whether nothing is left.
func (e *effort) over() bool { return e.rows <= 0 }
