package destination

import "time"

// leakyQueue is a gcra that keeps an accepted call waiting for as long as it came before its time, so that calls leave
// it evenly.
type leakyQueue struct{ *gcra }

func (q leakyQueue) standing(t int64) Verdict {
	v := q.gcra.standing(t)
	v.Delay = time.Duration(q.ahead(t))
	return v
}

func (q leakyQueue) clone() model {
	same := *q.gcra
	return leakyQueue{&same}
}
