package matrix

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestBaselinesDoWhatTheyAreKnownFor holds the models of other senders to what independent simulations of the same
// algorithms reach: a fixed window of ten seconds costs those who probe a refusal in ten, a bucket fewer.
func TestBaselinesDoWhatTheyAreKnownFor(t *testing.T) {
	type span struct{ from, to float64 }
	bucket := destination.Spec{Algorithm: destination.Bucket, Limit: 10, Per: time.Second, Burst: 20}
	for _, test := range []struct {
		cell         *Cell
		kind         *Kind
		use, refused span
	}{
		{oneCell(hundredInTen, destination.XRateLimitEpoch, 80*time.Millisecond), Guess, span{0.79, 0.81}, span{0, 0}},
		{oneCell(hundredInTen, destination.XRateLimitEpoch, 80*time.Millisecond), Naive, span{0.99, 1}, span{0.03, 0.12}},
		{oneCell(hundredInTen, destination.NoHeaders, 80*time.Millisecond), AIMD, span{0.65, 0.82}, span{0.012, 0.05}},
		{oneCell(hundredInTen, destination.NoHeaders, 80*time.Millisecond), AWS, span{0.97, 1}, span{0.06, 0.23}},
		{oneCell(bucket, destination.NoHeaders, 80*time.Millisecond), Guess, span{0.79, 0.81}, span{0, 0}},
		{oneCell(bucket, destination.RetryAfterOnly, 80*time.Millisecond), Naive, span{0.9, 1.01}, span{0.1, 0.6}},
		{oneCell(bucket, destination.NoHeaders, 80*time.Millisecond), AIMD, span{0.9, 1.01}, span{0.003, 0.05}},
		{oneCell(bucket, destination.NoHeaders, 80*time.Millisecond), AWS, span{0.97, 1.01}, span{0.017, 0.07}},
	} {
		best := mustBest(t, test.cell, 1)
		r := mustRun(t, test.cell, test.kind, 1)
		if use := r.Use(&best); use < test.use.from || use > test.use.to {
			t.Errorf("%s by %s: use %.3f, want %.3f to %.3f", test.cell.Name(), test.kind.Name, use, test.use.from, test.use.to)
		}
		if share := r.Share(); share < test.refused.from || share > test.refused.to {
			t.Errorf("%s by %s: %.2f%% refused, want %.2f%% to %.2f%%", test.cell.Name(), test.kind.Name, 100*share,
				100*test.refused.from, 100*test.refused.to)
		}
	}
}

func TestNobodyHasMoreCallsUnderWayThanItsCap(t *testing.T) {
	for _, k := range append(Baselines(), Sluice) {
		c := oneCell(destination.Spec{Algorithm: destination.Fixed, Limit: 1000, Per: time.Second}, destination.NoHeaders,
			80*time.Millisecond, func(c *Cell) { c.Workers = 3 })
		most := 0
		if _, err := RunTraced(c, k, 1, func(s Trace) { most = max(most, s.InFlight) }); err != nil {
			t.Fatal(err)
		}
		if most > 3 || most == 0 {
			t.Errorf("%s had %d calls under way, its cap is 3", k.Name, most)
		}
	}
}
