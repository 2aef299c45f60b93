package schedule

import (
	"math/rand/v2"
	"testing"

	"github.com/sluice-gateway/sluice/persist/record"
)

func TestAHostFindsItsLanesHoweverMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	var ls lanes
	want := map[record.Digest]*lane{}
	for step := range 2000 {
		key := record.Digest{byte(rng.IntN(3 * fewLanes))}
		switch l := ls.find(key); {
		case l != want[key]:
			t.Fatalf("step %d: lane %d is %p, want %p", step, key[0], l, want[key])
		case l == nil && rng.IntN(1000) < step%1000: // few at first, and again
			l = &lane{id: record.Lane{Key: key}}
			ls.add(l)
			want[key] = l
		case l != nil && rng.IntN(2) == 0:
			i := rng.IntN(len(ls.all))
			delete(want, ls.all[i].id.Key)
			ls.remove(i)
		}
		if len(ls.all) != len(want) {
			t.Fatalf("step %d: %d lanes, want %d", step, len(ls.all), len(want))
		}
	}
}
