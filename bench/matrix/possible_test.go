package matrix

import (
	"math"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestTheBoundOfADistanceIsWhatAnEvenSenderReaches holds the formula against a sender that does just what it assumes.
func TestTheBoundOfADistanceIsWhatAnEvenSenderReaches(t *testing.T) {
	for _, refused := range []float64{0.002, 0.005, 0.02} {
		c := oneCell(destination.Spec{Algorithm: destination.Leaky, Limit: 100, Per: time.Second}, destination.NoHeaders,
			80*time.Millisecond)
		part, why := c.Possible(refused)
		if part >= 1 || why == "" {
			t.Fatalf("%s: %.3f is possible, %q", c.Name(), part, why)
		}
		apart := 10*time.Millisecond + time.Duration(float64(c.Jitter)*(1-math.Sqrt(2*refused)))
		r := mustRun(t, c, &Kind{New: func(*Cell, time.Time) Sender {
			return &tuned{atOnce: 1 << 20, pace: 1 / apart.Seconds()}
		}}, 1)
		best := mustBest(t, c, 1)
		if use := r.Use(&best); math.Abs(use-part) > 0.003 {
			t.Errorf("at %.1f%% refused: %.4f used, the formula says %.4f", 100*refused, use, part)
		}
		if share := r.Share(); share < 0.7*refused || share > 1.3*refused {
			t.Errorf("%.2f%% refused, the formula says %.2f%%", 100*share, 100*refused)
		}
	}
}

func TestWithoutJitterNothingBoundsADistance(t *testing.T) {
	c := oneCell(destination.Spec{Algorithm: destination.Leaky, Limit: 100, Per: time.Second}, destination.NoHeaders,
		80*time.Millisecond, func(c *Cell) { c.Jitter = 0 })
	if part, why := c.Possible(0.005); part != 1 || why != "" {
		t.Errorf("%.3f is possible, %q", part, why)
	}
}

// Near the destination, as many calls under way as it has places leave each empty for about a round trip; far from it
// that would leave most of them empty, and an even pace serves better.
func TestTheBoundOfCallsAtOnceIsAtLeastTheirShareOfARoundTrip(t *testing.T) {
	spec := destination.Spec{Algorithm: destination.Concurrency, Limit: 4, Per: time.Second}
	for _, test := range []struct {
		rtt           time.Duration
		least, atMost float64
	}{
		{time.Millisecond, 50.0 / 53, 0.99},
		{80 * time.Millisecond, 0.7, 0.9},
	} {
		c := oneCell(spec, destination.NoHeaders, test.rtt)
		part, why := c.Possible(0.02)
		if part < test.least-0.005 || part > test.atMost || why == "" {
			t.Errorf("%s: %.3f is possible, want %.3f to %.3f; %q", c.Name(), part, test.least, test.atMost, why)
		}
	}
}

func TestTwoRefusalsAndTwoMoreForAChangeAreAlwaysAllowed(t *testing.T) {
	c := oneCell(hundredInTen, destination.Draft8, 0)
	bar := c.Bar()
	if got := c.Refusals(&bar, 100); got != 2 {
		t.Errorf("%d of 100 may be refused, want 2", got)
	}
	if got := c.Refusals(&bar, 100_000); got != 50 {
		t.Errorf("%d of 100000 may be refused, want 50", got)
	}
	changing := *c
	changing.Change = 0.4
	bar = changing.Bar()
	if got := changing.Refusals(&bar, 100); got != 4 {
		t.Errorf("%d of 100 may be refused where the limit changes, want 4", got)
	}
}

func TestMissedNamesEachPartOfTheBar(t *testing.T) {
	c := oneCell(hundredInTen, destination.Draft8, 0)
	best := &Result{Steady: 1000, Accepted: 1000}
	for _, test := range []struct {
		result Result
		want   string
	}{
		{Result{Steady: 995, Sent: 1000, Refused: 2}, ""},
		{Result{Steady: 994, Sent: 1000, Refused: 2}, "use"},
		{Result{Steady: 995, Sent: 1000, Refused: 3}, "429"},
	} {
		bar := c.Bar()
		got := ""
		for _, m := range c.missed(&bar, &test.result, best) {
			got += m
		}
		if got != test.want {
			t.Errorf("%+v missed %q, want %q", test.result, got, test.want)
		}
	}
	changing := *c
	changing.Change = 0.4
	bar := changing.Bar()
	if got := changing.missed(&bar, &Result{Adapted: time.Hour}, best); len(got) != 1 || got[0] != "adapt" {
		t.Errorf("an hour to adapt missed %q", got)
	}
	if got := changing.missed(&bar, &Result{Adapted: -1}, best); len(got) != 1 || got[0] != "adapt" {
		t.Errorf("never adapting missed %q", got)
	}
	if got := changing.missed(&bar, &Result{Adapted: bar.Adapt}, best); len(got) != 0 {
		t.Errorf("adapting in time missed %q", got)
	}
}
