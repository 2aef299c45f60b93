package limiter

// quotas looks for two quotas behind what is told as one window, as where each of two credentials has its own: then what
// remains is told of the one and of the other by turns, and each falls by one at a time whatever the other does.
//
// One window cannot do that. Its use by others makes what remains fall further, never rise again, and a refill makes it
// rise once. Buckets and sliding windows give back bit by bit, which may look like two sequences side by side; so those
// must be some calls apart, or both have begun with all but one call left and come nearer to their reset since: of a
// bucket it moves away while calls are taken out.
type quotas struct {
	level [2]int32 // what remained of either, last
	rest  tick     // the time to the reset when the second sequence began, at least
	n     uint8    // sequences known: 0 to 2
	at    uint8    // of which the latest response spoke: 0 or 1
	turns uint8    // from one to the other, with no response between that fits neither
	first bool     // the first sequence began with all but one call left
	whole bool     // both did
	found bool
}

const (
	// manyTurns is how many turns show two quotas.
	manyTurns = 12
	// leastGap is by how many calls two sequences must differ to show by themselves that they are two.
	leastGap = 3
)

// see takes in how much remains after an accepted call.
func (q *quotas) see(limit int64, t *statement) {
	left, whole := int32(t.remaining), t.remaining == limit-1 //nolint:gosec // it is at most maxLimit
	other := 1 - q.at
	switch {
	case q.n > 0 && left == q.level[q.at]-1:
		q.level[q.at] = left
	case q.n == 2 && left == q.level[other]-1:
		q.at, q.level[other] = other, left
		q.turn(t)
	case q.n == 1:
		q.n, q.at, q.level[1] = 2, 1, left
		q.rest, q.whole = max(0, t.lo-t.received), q.first && whole
	default:
		*q = quotas{n: 1, level: [2]int32{left, 0}, first: whole, found: q.found}
	}
}

// turn counts a turn from one sequence to the other, if they are two for certain.
func (q *quotas) turn(t *statement) {
	gap := q.level[0] - q.level[1]
	if max(gap, -gap) < leastGap && !(q.whole && t.hasReset && t.hi-t.received < q.rest) {
		return
	}
	if q.turns++; q.turns == manyTurns {
		q.found, q.turns = true, 0
	}
}
