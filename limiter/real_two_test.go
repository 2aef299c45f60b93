package limiter

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// expressTwo is express-rate-limit twice on one route: windows from the first call on, refused calls count. The second tells over the
// first, so that of the first only its refusals tell, in draft 6 with its length and else without.
//
// https://github.com/express-rate-limit/express-rate-limit/blob/main/source/headers.ts
type expressTwo struct {
	windows [2]expressWindow
	draft6  bool
}

type expressWindow struct {
	Rule
	hits int64
	ends time.Time
}

func (x *expressTwo) judge(now time.Time) (ok bool, tells []destination.Header) {
	for i := range x.windows {
		w := &x.windows[i]
		if !now.Before(w.ends) {
			w.hits, w.ends = 0, now.Add(w.Per)
		}
		w.hits++
		in := wholeSeconds(w.ends.Sub(now))
		family, reset := "X-RateLimit-", strconv.FormatFloat(math.Ceil(float64(w.ends.UnixMilli())/1000), 'f', 0, 64)
		if x.draft6 {
			family, reset = "RateLimit-", strconv.FormatFloat(in.Seconds(), 'f', 0, 64)
		}
		tells = []destination.Header{
			{Name: family + "Limit", Value: strconv.FormatInt(w.N, 10)},
			{Name: family + "Remaining", Value: strconv.FormatInt(max(0, w.N-w.hits), 10)},
			{Name: family + "Reset", Value: reset},
		}
		if x.draft6 {
			tells = append(tells, destination.Header{Name: "RateLimit-Policy", Value: fmt.Sprintf("%d;w=%.0f", w.N, w.Per.Seconds())})
		}
		if w.hits > w.N {
			return false, append(tells, asks(in)...)
		}
	}
	return true, tells
}

// TestALimitThatOnlyItsRefusalsTellIsKeptBesideOneThatIsToldAlways: the one that is told always is not what the other was raised to,
// and its first refusal is all that the other costs.
func TestALimitThatOnlyItsRefusalsTellIsKeptBesideOneThatIsToldAlways(t *testing.T) {
	for _, hidden := range []Rule{{3, time.Second}, {5, time.Second}, {7, time.Second}, {50, 10 * time.Second}} {
		for _, draft6 := range []bool{false, true} {
			for _, trip := range []time.Duration{200 * time.Microsecond, 80 * time.Millisecond} {
				for seed := range uint64(5) {
					host := &expressTwo{windows: [2]expressWindow{{Rule: hidden}, {Rule: Rule{600, time.Minute}}}, draft6: draft6}
					f := driveFrom(t, host, hidden, trip, time.Millisecond, 0, seed)
					if f.late < 0.98 || f.refused > 0.006 {
						t.Errorf("%d/%v, draft 6 %v, from %v away, seed %d: use %.3f, refused %.2f%%", hidden.N, hidden.Per, draft6, trip, seed,
							f.late, 100*f.refused)
					}
				}
			}
		}
	}
}
