package schedule

import "github.com/sluice-gateway/sluice/persist/record"

// lanes are those of a host. Most hosts have one, and there may be very many hosts; some have thousands, one for each credential.
type lanes struct {
	all   []*lane
	byKey map[record.Digest]*lane // nil while there are few
}

// fewLanes are found by looking at each.
const fewLanes = 8

// find returns a lane, nil where there is none.
func (ls *lanes) find(key record.Digest) *lane {
	if ls.byKey != nil {
		return ls.byKey[key]
	}
	for _, l := range ls.all {
		if l.id.Key == key {
			return l
		}
	}
	return nil
}

func (ls *lanes) add(l *lane) {
	ls.all = append(ls.all, l)
	switch {
	case ls.byKey != nil:
		ls.byKey[l.id.Key] = l
	case len(ls.all) > fewLanes:
		ls.byKey = make(map[record.Digest]*lane, len(ls.all))
		for _, l := range ls.all {
			ls.byKey[l.id.Key] = l
		}
	}
}

// remove takes out the i-th lane, whose place the last one takes.
func (ls *lanes) remove(i int) {
	delete(ls.byKey, ls.all[i].id.Key)
	last := len(ls.all) - 1
	ls.all[i], ls.all[last] = ls.all[last], nil
	if ls.all = ls.all[:last]; last == 0 {
		*ls = lanes{}
	}
}

// findLane returns a lane that is in memory, nil where it is not.
func (s *Schedule) findLane(id record.Lane) *lane {
	h := s.hosts[id.Host]
	if h == nil {
		return nil
	}
	return h.lanes.find(id.Key)
}
