package limiter

import (
	"math"
	"slices"
	"time"
)

// Some ask for the same time whenever they refuse: Varnish's own page for 5 s, others for what their operator wrote. That says
// nothing of a window, and a refusal costs that time. So the limit is searched for as few refusals as pay: from the number that
// the first one shows, by steps each of which waits until what it may gain is worth the pause that it may cost, and back between
// what was accepted and what was not.

// commonest are the lengths that most windows have. Who asks for one of them may ask for a whole window.
var commonest = [...]time.Duration{time.Second, 10 * time.Second, time.Minute, time.Hour, 24 * time.Hour}

const (
	// firstStep is by how much the first number is raised, at once: it is a guess between a window that was not over and a shorter one,
	// and thrice as much tells them apart while the refusal that it may cost is the second. nextStep is the next one, if that is
	// accepted; later ones are halved, as exponents, each time that one is refused.
	firstStep, nextStep = 3, 2
	// leastConstant is the least time that is taken for such a one: less is what a bucket asks for that is filled call by call.
	leastConstant = 5 * time.Second
	// leastStep is the step at which the search ends. A refusal every now and then would cost more than what is left to find.
	leastStep = 1.1
	// stands is the part of what was accepted before a step that has to be accepted in the run that it ended for that to stand.
	stands = 0.6
)

// constant reports whether a time to wait is one that people choose to ask for whenever they refuse: round, and no common window's
// length.
func constant(wait tick) bool {
	return wait >= leastConstant && slices.Contains(lengths[:], wait) && !slices.Contains(commonest[:], wait)
}

// asks takes in what a refusal asks for, and reports whether it is the same as the last time.
func (i *inferred) asks(wait tick) (same bool) {
	same = i.wait == wait
	i.wait, i.varies = wait, i.varies || !same
	return same
}

// constant reports whether all that was asked for so far is such a time. The rest of a window is one by chance, now and then.
func (i *inferred) constant() bool { return !i.varies && constant(i.wait) }

// inferConstant reckons what a destination allows that refuses for the first time and says nothing by it: of the common lengths the
// shortest that was not over. A bucket was filled meanwhile, by that part of what it allows at the most. A little less is taken, for a
// bucket that is filled by whole calls loses what comes between. Where the first calls of a pace were refused of which half was
// accepted for a second, it is a window of a second; that is no guess.
func (b *Budget) inferConstant(now, sent tick, r *comeBack) (per tick, n int64, guess bool) {
	if (sent-b.explore.second).Seconds()*b.explore.rate < few && b.explore.second > r.from {
		return time.Second, int64(b.explore.lately(now, time.Second) + 0.5), false
	}
	for _, per = range commonest {
		if per > r.age {
			break
		}
	}
	least := float64(r.n) * max(0, 1-r.age.Seconds()/per.Seconds())
	n = roundest(int64(math.Ceil(least)), r.n)
	return per, n - max(1, n/littleLess), true
}

// searched takes in that a limit that is searched for was refused. What was accepted over the run and the pause is a pace that
// it bears, the refused one is none, and the level between both is tried; but where a step was refused within a length, what it
// began from stands, if that pace does not contradict it.
func (w *window) searched(r *comeBack) {
	i := w.inferred
	bears := float64(r.n) * w.per.Seconds() / (r.age + r.wait).Seconds()
	n := min(int64(math.Sqrt(bears*float64(w.limit))), w.limit-1)
	switch {
	case i.before > 0 && r.age <= w.per && bears > stands*float64(i.before):
		n = i.before
	case i.before > 0 && r.age <= w.per:
		n = int64(math.Sqrt(bears * float64(i.before)))
	case float64(r.n) >= fell*float64(w.limit) && r.age <= w.per+w.per/8:
		n = roundest(int64(math.Ceil(fell*float64(w.limit))), min(r.n, w.limit-1))
	}
	if i.step = float32(math.Sqrt(float64(i.step))); i.step < leastStep {
		i.step = 0
	}
	i.before, i.guess, i.raised = 0, false, true
	w.setLimit(n, 1)
}

// searching reports whether the limit is searched for.
func (i *inferred) searching() bool { return i.constant() && (i.guess || i.step > 0 || i.before > 0) }

// next is the next step of a search, and how long after the last refusal or step it pays: what it gains by then is what a refusal
// costs, given that the lane goes on as long as it has.
func (i *inferred) next() (by float64, after tick) {
	switch by = float64(i.step); {
	case i.guess:
		by = firstStep
	case i.before > 0 && by < leastStep, i.before > 0 && by >= nextStep:
		by = nextStep
	case i.before > 0: // half of the last one that was refused
		by = math.Sqrt(by)
	}
	after = tick(float64(i.wait) / (max(by, leastStep) - 1))
	if i.before == 0 {
		after += i.wait
	}
	return by, after
}
