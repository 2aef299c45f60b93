package matrix

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestTheHeapGivesTheLeastFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		h := newInstants()
		var want []instant
		for range random.IntN(50) {
			v := time.Duration(random.IntN(20))
			h.push(v)
			want = append(want, v)
			if random.IntN(3) == 0 {
				slices.Sort(want)
				if got := h.pop(); got != want[0] {
					t.Fatalf("popped %d, want %d", got, want[0])
				}
				want = want[1:]
			}
		}
		slices.Sort(want)
		for _, v := range want {
			if got := h.pop(); got != v {
				t.Fatalf("popped %d, want %d", got, v)
			}
		}
	}
}
