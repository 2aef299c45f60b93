package limiter

// relapse is how an explorer stood before it learned from the last episode. Where a window is used up, a call of an earlier
// one may leave it and let a probe through. That is no end of it, and what was accepted until then, over the time until
// then, is not what the destination allows. So who is refused again right after the probe goes on with the episode, its
// pauses and its count, as if it had not ended: by then more will be known.
type relapse struct {
	curve
	learned
	good  goodput
	since int32 // calls accepted since the episode ended, the probe included
}

// relapses is how many episodes may go on so, and mostProbes how often one is: later a refusal says that the pace was
// wrong, and pauses longer than needed cost more than a wrong level.
const relapses, mostProbes = 2, 4

// leastBefore is how many calls must have been accepted before: of fewer, one more is no small part.
const leastBefore = 10

// remember keeps how the explorer stands at the end of an episode.
func (e *explorer) remember() {
	e.relapse = relapse{curve: e.curve, learned: e.learned, good: e.good}
}

// relapsed goes back to the episode that ended last, if nothing but its probe was accepted since, and reports whether it
// did. asked: the destination says how long to pause; then going on with the episode would not make pauses longer, and
// it does so only where it is the first; and a bucket that says when its next token is there let the probe through for that.
func (e *explorer) relapsed(asked bool) bool {
	r := &e.relapse
	first := r.past.episodes == 0
	if r.since != 1 || r.past.episodes >= relapses || r.episode.probes >= mostProbes || r.good.n < leastBefore || !first && asked ||
		e.drip.due > 0 {
		return false
	}
	e.curve, e.learned = r.curve, r.learned
	e.good.from, e.good.n = r.good.from, r.good.n+1
	e.descent.accepted++
	*r = relapse{}
	return true
}
