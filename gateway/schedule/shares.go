package schedule

import "iter"

// shares are those of a lane. Most lanes have one, and there may be very many lanes; some have thousands.
type shares struct {
	all   []*share
	byKey map[shareKey]*share // nil while there are few
}

// fewShares are found by looking at each.
const fewShares = 8

func (ss *shares) len() int { return len(ss.all) }

// find returns a share, nil where there is none.
func (ss *shares) find(key shareKey) *share {
	if ss.byKey != nil {
		return ss.byKey[key]
	}
	for _, sh := range ss.all {
		if sh.key() == key {
			return sh
		}
	}
	return nil
}

func (ss *shares) add(sh *share) {
	sh.inLane = len(ss.all)
	ss.all = append(ss.all, sh)
	switch {
	case ss.byKey != nil:
		ss.byKey[sh.key()] = sh
	case len(ss.all) > fewShares:
		ss.byKey = make(map[shareKey]*share, len(ss.all))
		for _, sh := range ss.all {
			ss.byKey[sh.key()] = sh
		}
	}
}

func (ss *shares) remove(sh *share) {
	last := len(ss.all) - 1
	ss.all[sh.inLane] = ss.all[last]
	ss.all[sh.inLane].inLane = sh.inLane
	ss.all[last] = nil
	ss.all = ss.all[:last]
	if ss.byKey != nil {
		delete(ss.byKey, sh.key())
	}
	if last == 0 {
		*ss = shares{}
	}
}

// queues are those of the lane's shares that the store has.
func (l *lane) queues() iter.Seq[*queue] {
	return func(yield func(*queue) bool) {
		for _, sh := range l.shares.all {
			for _, q := range sh.queues {
				if !q.callers && !yield(q) {
					return
				}
			}
		}
	}
}
