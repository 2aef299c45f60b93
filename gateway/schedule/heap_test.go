package schedule

import (
	"math/rand/v2"
	"slices"
	"testing"
)

type leaf struct{ key, index int }

// A heap that members are pushed to, moved in and taken out of gives the same least as a list that is searched.
func TestIndexedGivesTheLeastWhateverMoves(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	h := newIndexed(func(a, b *leaf) bool { return a.key < b.key }, func(l *leaf) *int { return &l.index })
	var all []*leaf
	for step := range 20_000 {
		switch n := len(all); {
		case n == 0 || rnd.IntN(3) == 0 && n < 40:
			l := &leaf{key: rnd.IntN(1000)}
			all = append(all, l)
			h.push(l)
		case rnd.IntN(2) == 0:
			l := all[rnd.IntN(n)]
			l.key = rnd.IntN(1000)
			h.moved(l)
		default:
			i := rnd.IntN(n)
			h.remove(all[i])
			all = slices.Delete(all, i, i+1)
		}
		if h.len() != len(all) {
			t.Fatalf("step %d: %d members, want %d", step, h.len(), len(all))
		}
		if len(all) == 0 {
			if h.first() != nil {
				t.Fatalf("step %d: an empty heap has a first", step)
			}
			continue
		}
		least := slices.MinFunc(all, func(a, b *leaf) int { return a.key - b.key })
		if h.first().key != least.key {
			t.Fatalf("step %d: first is %d, want %d", step, h.first().key, least.key)
		}
		for i, l := range h.all {
			if l.index != i {
				t.Fatalf("step %d: the member at %d takes itself for at %d", step, i, l.index)
			}
		}
	}
}
