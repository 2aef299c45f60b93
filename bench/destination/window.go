package destination

import "time"

// fixedWindow counts accepted calls in windows aligned to the clock.
type fixedWindow struct {
	limit int
	per   int64
	index int64 // of the window that count belongs to: floor(Unix time / per)
	count int
}

func (w *fixedWindow) standing(t int64) Verdict {
	w.roll(t)
	return windowVerdict(w.limit, w.per, w.count, (w.index+1)*w.per-t)
}

func (w *fixedWindow) take(t int64) {
	w.roll(t)
	w.count++
}

func (w *fixedWindow) refuse(int64) {}
func (w *fixedWindow) done()        {}

func (w *fixedWindow) setLimit(_ int64, spec Spec) {
	if w.per != int64(spec.Per) {
		w.per, w.count = int64(spec.Per), 0
	}
	w.limit = spec.Limit
}

func (w *fixedWindow) clone() model {
	same := *w
	return &same
}

func (w *fixedWindow) roll(t int64) {
	if index := floorDiv(t, w.per); index != w.index {
		w.index, w.count = index, 0
	}
}

// firstWindow counts accepted calls in windows that begin with the first of them.
type firstWindow struct {
	limit int
	per   int64
	open  bool
	start int64 // of the open window
	count int
}

func (w *firstWindow) standing(t int64) Verdict {
	w.expire(t)
	if !w.open {
		return windowVerdict(w.limit, w.per, 0, 0)
	}
	return windowVerdict(w.limit, w.per, w.count, w.start+w.per-t)
}

func (w *firstWindow) take(t int64) {
	w.expire(t)
	if !w.open {
		w.open, w.start, w.count = true, t, 0
	}
	w.count++
}

func (w *firstWindow) refuse(int64) {}
func (w *firstWindow) done()        {}

func (w *firstWindow) setLimit(t int64, spec Spec) {
	w.expire(t)
	if w.per != int64(spec.Per) {
		w.per, w.open = int64(spec.Per), false
	}
	w.limit = spec.Limit
}

func (w *firstWindow) clone() model {
	same := *w
	return &same
}

func (w *firstWindow) expire(t int64) {
	if w.open && t-w.start >= w.per {
		w.open = false
	}
}

// windowVerdict is the standing of a counter that starts again from nothing in left ns.
func windowVerdict(limit int, per int64, count int, left int64) Verdict {
	v := Verdict{
		OK:         count < limit,
		Limit:      limit,
		Remaining:  max(0, limit-count), // a limit lowered amid a window leaves more counted than allowed
		ResetAfter: time.Duration(left),
		Quota:      limit,
		Window:     time.Duration(per),
	}
	if !v.OK {
		v.RetryAfter = v.ResetAfter
	}
	return v
}

// floorDiv is a/b rounded down, for instants before 1970 too; b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
