package simulate

import (
	"slices"
	"sort"

	"github.com/sluice-gateway/sluice/persist/record"
)

// shelf stands for a queue on disk: its live entries in (rank, id) order, and the places of those that are gone until
// there are many of them.
type shelf struct {
	entries []record.Entry
	gone    []bool
	dead    int
}

func (s *shelf) find(p record.Position) (int, bool) {
	i := sort.Search(len(s.entries), func(i int) bool { return s.entries[i].Compare(p) >= 0 })
	return i, i < len(s.entries) && s.entries[i].Position == p
}

func (s *shelf) add(e record.Entry) {
	if n := len(s.entries); n == 0 || s.entries[n-1].Compare(e.Position) < 0 {
		s.entries, s.gone = append(s.entries, e), append(s.gone, false)
		return
	}
	i, _ := s.find(e.Position)
	s.entries, s.gone = slices.Insert(s.entries, i, e), slices.Insert(s.gone, i, false)
}

func (s *shelf) remove(p record.Position) {
	i, ok := s.find(p)
	if !ok || s.gone[i] {
		return
	}
	s.gone[i] = true
	if s.dead++; s.dead < 1024 || s.dead < len(s.entries)/2 {
		return
	}
	kept := 0
	for i := range s.entries {
		if !s.gone[i] {
			s.entries[kept], s.gone[kept] = s.entries[i], false
			kept++
		}
	}
	s.entries, s.gone, s.dead = s.entries[:kept], s.gone[:kept], 0
}

// after returns the next entries behind a position, at most limit.
func (s *shelf) after(p record.Position, limit int) []record.Entry {
	i := sort.Search(len(s.entries), func(i int) bool { return s.entries[i].Compare(p) > 0 })
	var found []record.Entry
	for ; i < len(s.entries) && len(found) < limit; i++ {
		if !s.gone[i] {
			found = append(found, s.entries[i])
		}
	}
	return found
}
