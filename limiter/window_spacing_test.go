package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// A limit of one call beside a policy of many is a distance, and known as one from the first response on; so no call is
// refused for coming too close but by the hazards of the way, and those cost no more than the way varies.
func TestADistanceThatIsToldIsKeptFromTheFirstCallOn(t *testing.T) {
	for _, spec := range []destination.Spec{
		{Algorithm: destination.Leaky, Limit: 5, Per: 10 * time.Second},
		{Algorithm: destination.Leaky, Limit: 100, Per: 10 * time.Second},
	} {
		for seed := range uint64(6) {
			s := study{
				cfg: DefaultConfig(), spec: spec, dialect: destination.Draft7,
				rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond, within: 10 * time.Minute, seed: seed,
			}
			distance := spec.Per / time.Duration(spec.Limit)
			least := float64(distance) / float64(distance+2*s.noise)
			if f := s.run(t); f.use(spec) < least || f.refused > 2 {
				t.Errorf("%d/%v, seed %d: use %.3f, %d refused; want %.3f, 2", spec.Limit, spec.Per, seed, f.use(spec), f.refused,
					least)
			}
		}
	}
}

// What was saved up at the pace before is no reason to come closer.
func TestADistanceCountsFromTheLastCall(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	b.Start(epoch)
	told := Hint{N: 1, Windows: [MaxWindows]Window{{Limit: 1, Remaining: 0, Quota: 5, Length: 10 * time.Second, Source: "RateLimit"}}}
	now := epoch.Add(90 * time.Millisecond)
	b.Observe(now, Observation{Sent: epoch, Status: 200, Hint: &told})
	if at, _ := b.ReadyAt(now); at.Before(epoch.Add(2*time.Second)) || at.After(epoch.Add(2020*time.Millisecond)) {
		t.Errorf("the second call may begin %v after the first, want 2 s and a little", at.Sub(epoch))
	}
}
