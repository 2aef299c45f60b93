package destination_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// drain calls at one instant until a call is refused, and returns how many were accepted.
func drain(limiter *destination.Limiter, at time.Time) (accepted int) {
	for limiter.Allow(at).OK {
		accepted++
	}
	return accepted
}

func TestConcurrencyAcceptsNCallsAtOnceAtAnyRate(t *testing.T) {
	limiter := mustNew(t, destination.Spec{Algorithm: destination.Concurrency, Limit: 3})
	rnd := rand.New(rand.NewPCG(7, 7))
	inFlight := 0
	for i := range 1000 {
		at := epoch.Add(time.Duration(i) * time.Microsecond)
		if rnd.IntN(2) == 0 && inFlight > 0 {
			limiter.Done(at)
			inFlight--
			continue
		}
		v := limiter.Allow(at)
		if want := inFlight < 3; v.OK != want {
			t.Fatalf("call %d with %d in flight: OK %v, want %v", i, inFlight, v.OK, want)
		}
		if v.OK {
			inFlight++
		}
		if v.Remaining != 3-inFlight {
			t.Fatalf("call %d: %d remain with %d in flight", i, v.Remaining, inFlight)
		}
	}
}

func TestDoneWithoutACallNeverRaisesConcurrency(t *testing.T) {
	limiter := mustNew(t, destination.Spec{Algorithm: destination.Concurrency, Limit: 2})
	limiter.Done(epoch)
	if got := drain(limiter, epoch); got != 2 {
		t.Errorf("accepted %d calls at once, want 2", got)
	}
}

func TestCallsLeaveAQueueEvenlyHoweverTheyCome(t *testing.T) {
	const interval = 100 * time.Millisecond
	limiter := mustNew(t, destination.Spec{Algorithm: destination.LeakyQueue, Limit: 10, Per: time.Second, Burst: 4})
	for i := range 5 {
		v := limiter.Allow(epoch)
		switch {
		case v.OK != (i < 4):
			t.Fatalf("call %d of 5 at once into a queue of 4: OK %v", i, v.OK)
		case v.OK && v.Delay != time.Duration(i)*interval:
			t.Errorf("call %d waits %s, want %s", i, v.Delay, time.Duration(i)*interval)
		}
	}
	if v := limiter.Allow(epoch.Add(interval)); !v.OK || v.Delay != 3*interval {
		t.Errorf("after an interval: OK %v, waits %s; want the place that came free, %s", v.OK, v.Delay, 3*interval)
	}
}

func TestACloneGoesItsOwnWay(t *testing.T) {
	for _, algorithm := range destination.Algorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			limiter := mustNew(t, destination.Spec{Algorithm: algorithm, Limit: 4, Per: time.Second})
			limiter.Allow(epoch)
			clone, left := limiter.Clone(), limiter.Peek(epoch)
			if got := clone.Peek(epoch); got != left {
				t.Fatalf("the clone begins with %+v, not with %+v", got, left)
			}
			if got := drain(clone, epoch); got != left.Remaining {
				t.Errorf("the clone accepted %d calls, want %d", got, left.Remaining)
			}
			if got := limiter.Peek(epoch); got != left {
				t.Errorf("calls of its clone took it from %+v to %+v", left, got)
			}
			if got := drain(limiter, epoch); got != left.Remaining {
				t.Errorf("it accepted %d calls after its clone was drained, want %d", got, left.Remaining)
			}
		})
	}
}

func TestPeekCountsNothing(t *testing.T) {
	for _, algorithm := range destination.Algorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			limiter := mustNew(t, destination.Spec{Algorithm: algorithm, Limit: 4, Per: time.Second})
			before := limiter.Peek(epoch)
			for range 100 {
				limiter.Peek(epoch)
			}
			if got := drain(limiter, epoch); got != before.Remaining {
				t.Errorf("after peeking %d calls are accepted, want %d", got, before.Remaining)
			}
		})
	}
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	for _, algorithm := range destination.Algorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			limiter := mustNew(t, destination.Spec{Algorithm: algorithm, Limit: 4, Per: time.Second})
			drain(limiter, epoch)
			if v := limiter.Allow(epoch.Add(-time.Hour)); v.OK {
				t.Errorf("a clock set back an hour gives new allowance: %+v", v)
			}
		})
	}
}

func TestOvershootingACountingLimitGetsNothing(t *testing.T) {
	// 0.7 calls a second against 0.5 a second: counting refused calls starves the caller, not counting them does not.
	accepted := map[destination.Algorithm]int{}
	for _, algorithm := range []destination.Algorithm{destination.Counting, destination.SlidingCounter} {
		limiter := mustNew(t, destination.Spec{Algorithm: algorithm, Limit: 5, Per: 10 * time.Second})
		for i := range 140 {
			at := epoch.Add(time.Duration(i) * time.Second * 10 / 7)
			if limiter.Allow(at).OK && at.Sub(epoch) >= 20*time.Second {
				accepted[algorithm]++
			}
		}
	}
	if accepted[destination.Counting] != 0 {
		t.Errorf("counting accepted %d calls of a caller that never paused", accepted[destination.Counting])
	}
	if got := accepted[destination.SlidingCounter]; got < 70 || got > 90 {
		t.Errorf("sliding-counter accepted %d calls in 180 s, want 0.4 to 0.5 a second", got)
	}
}

func TestSetLimitTakesEffectAtOnce(t *testing.T) {
	const per = time.Second
	for _, algorithm := range destination.Algorithms() {
		if algorithm == destination.Leaky {
			continue // never has more than one call to give; see the next test
		}
		for _, change := range []struct{ from, to int }{{10, 4}, {10, 25}} {
			t.Run(fmt.Sprintf("%s %d to %d", algorithm, change.from, change.to), func(t *testing.T) {
				limiter := mustNew(t, destination.Spec{Algorithm: algorithm, Limit: change.from, Per: per})
				if err := limiter.SetLimit(epoch, change.to, per); err != nil {
					t.Fatal(err)
				}
				v := limiter.Peek(epoch)
				want := change.to
				if algorithm == destination.Bucket {
					want = min(change.from, change.to) // tokens are kept, none are given
				}
				if v.Remaining != want || v.Quota != change.to {
					t.Errorf("%d of %d remain, want %d of %d", v.Remaining, v.Quota, want, change.to)
				}
			})
		}
	}
}

func TestSetLimitKeepsWhatWasCounted(t *testing.T) {
	for _, algorithm := range destination.Algorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			limiter := mustNew(t, destination.Spec{Algorithm: algorithm, Limit: 10, Per: time.Second})
			drain(limiter, epoch)
			if err := limiter.SetLimit(epoch, 4, time.Second); err != nil {
				t.Fatal(err)
			}
			v := limiter.Allow(epoch)
			if v.OK || v.Remaining != 0 {
				t.Fatalf("a spent allowance is back after its limit was lowered: %+v", v)
			}
			if algorithm == destination.Concurrency {
				return
			}
			if limiter.Peek(epoch.Add(v.RetryAfter-1)).OK || !limiter.Peek(epoch.Add(v.RetryAfter)).OK {
				t.Errorf("RetryAfter %s is not the first instant accepted", v.RetryAfter)
			}
		})
	}
}

func TestSetLimitWithAnotherPeriodGoesOnExactly(t *testing.T) {
	for algorithm := range oracles {
		t.Run(string(algorithm), func(t *testing.T) {
			limiter := mustNew(t, destination.Spec{Algorithm: algorithm, Limit: 10, Per: time.Second})
			drain(limiter, epoch)
			at := epoch.Add(100 * time.Millisecond)
			if err := limiter.SetLimit(at, 6, time.Minute); err != nil {
				t.Fatal(err)
			}
			// Long after, only the new limit is left to be seen.
			at = at.Add(time.Hour)
			want := 6
			if algorithm == destination.Leaky {
				want = 1
			}
			if got := drain(limiter, at); got != want {
				t.Errorf("accepted %d calls at once, want %d", got, want)
			}
			if v := limiter.Peek(at); v.Window != time.Minute || v.RetryAfter <= time.Second {
				t.Errorf("the new period does not show: %+v", v)
			}
		})
	}
}

func TestSetLimitRefusesWhatNewRefuses(t *testing.T) {
	limiter := mustNew(t, destination.Spec{Algorithm: destination.Fixed, Limit: 3, Per: time.Second})
	if err := limiter.SetLimit(epoch, 0, time.Second); err == nil {
		t.Error("a limit of 0 calls was accepted")
	}
	if got := drain(limiter, epoch); got != 3 {
		t.Errorf("a refused change changed the limit: %d calls accepted, want 3", got)
	}
}
