package real

import (
	"math"
	"testing"
	"time"
)

func TestAllowanceIsWhatTheRuleLetsThroughInTheLongRun(t *testing.T) {
	const ten, second = 10 * time.Second, time.Second
	for _, c := range []struct {
		name  string
		rule  Rule
		took  time.Duration
		want  float64 // in a minute, kept busy before
		whole float64 // in a minute, from rest
	}{
		{"windows", Rule{Limit: 100, Per: ten}, 0, 600, 600},
		{"a sliding counter on whole seconds", Rule{Limit: 110, Per: ten, Step: second}, 0, 600, 600},
		{"a bucket, whose burst is there once", Rule{Kind: Bucket, Limit: 20, Per: second, Burst: 11}, 0, 1200, 1211},
		{"a bucket by the minute", Rule{Kind: Bucket, Limit: 300, Per: time.Minute, Burst: 6}, 0, 300, 306},
		{"calls at once, by how long they took", Rule{Kind: Concurrency, Limit: 8, Took: second}, 50 * time.Millisecond, 9600, 9600},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.rule.Allowance(time.Minute, c.took); math.Abs(got-c.want) > 1e-6 {
				t.Errorf("allowance %v, want %v", got, c.want)
			}
			if got := c.rule.WholeAllowance(time.Minute, c.took); math.Abs(got-c.whole) > 1e-6 {
				t.Errorf("whole allowance %v, want %v", got, c.whole)
			}
		})
	}
}

func TestMeasuringBeginsAfterTheFirstWindowAndLastsWholeWindows(t *testing.T) {
	for _, c := range []struct {
		rule             Rule
		asked            time.Duration
		warmUp, measured time.Duration
	}{
		{Rule{Limit: 1, Per: time.Second}, time.Minute, 10 * time.Second, time.Minute},
		{Rule{Limit: 1, Per: 10 * time.Second}, 61 * time.Second, 10 * time.Second, 70 * time.Second},
		{Rule{Limit: 1, Per: time.Minute}, 10 * time.Second, time.Minute, time.Minute},
		{Rule{Kind: Concurrency, Limit: 8, Took: time.Second}, 15 * time.Second, 10 * time.Second, 15 * time.Second},
	} {
		if got := c.rule.WarmUp(); got != c.warmUp {
			t.Errorf("%s: warm-up of %s, want %s", c.rule, got, c.warmUp)
		}
		if got := c.rule.Measured(c.asked); got != c.measured {
			t.Errorf("%s: %s asked for, %s measured, want %s", c.rule, c.asked, got, c.measured)
		}
	}
}

// TestMeasuringBeginsWithAWindowWhereTheyGoByTheClock: a sender that uses every window, but the first ones early, is at its limit.
func TestMeasuringBeginsWithAWindowWhereTheyGoByTheClock(t *testing.T) {
	rule := Rule{Limit: 100, Per: 10 * time.Second, ByClock: true}
	for after, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Nanosecond: 20*time.Second - time.Nanosecond, 6 * time.Second: 14 * time.Second} {
		first := time.Unix(1000, 0).Add(after)
		if got := rule.Begins(first).Sub(first); got != want || got+rule.Measured(time.Minute) > rule.Lasts(time.Minute) {
			t.Errorf("a first call %s into a window: measured from %s on, want %s, of a run of %s", after, got, want, rule.Lasts(time.Minute))
		}
	}
	answers := append(steady(200, 6*time.Second, 40*time.Millisecond, 4*time.Second), // all of the first window
		steady(200, 10*time.Second, 50*time.Millisecond, 5*time.Second)...) // and of the second
	answers = append(answers, steady(200, 20*time.Second, 100*time.Millisecond, 30*time.Second)...)
	got := measure(&Destination{Name: "x", Rule: rule, Tells: "all"}, 20*time.Second, answers)
	if got.Accepted != 200 || got.Use != 1 || got.WarmUp != 14 {
		t.Errorf("%d accepted, use %.3f, after %v s; want 200, 1 and 14", got.Accepted, got.Use, got.WarmUp)
	}
}

func TestABacklogCannotRunDryWithinTheRule(t *testing.T) {
	for _, d := range All() {
		length := d.Rule.Lasts(time.Minute) + tail
		if backlog, most := d.Rule.saturating(length), d.Rule.WholeAllowance(length, d.Rule.Took); float64(backlog) < 1.4*most {
			t.Errorf("%s: a backlog of %d, and %.0f may get through", d.Name, backlog, most)
		}
	}
}
