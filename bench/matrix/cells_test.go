package matrix

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// oneCell is a plain cell, after changes to it.
func oneCell(spec destination.Spec, d destination.Dialect, rtt time.Duration, changes ...func(*Cell)) *Cell {
	var s set
	s.add(limits(spec), []time.Duration{rtt}, func(c *Cell) {
		for _, change := range changes {
			change(c)
		}
	}, d)
	return &s.cells[0]
}

func TestChosenCellsMeetEveryAlgorithmDialectAndRow(t *testing.T) {
	cells := Chosen()
	if len(cells) < 200 {
		t.Errorf("%d cells, want 200 and more", len(cells))
	}
	algorithms, dialects, rows := map[destination.Algorithm]bool{}, map[destination.Dialect]bool{}, map[Row]bool{}
	for i := range cells {
		c := &cells[i]
		dialects[c.Dialect], rows[c.Row()] = true, true
		for _, l := range c.Limits {
			algorithms[l.Algorithm] = true
		}
	}
	for _, a := range destination.Algorithms() {
		if !algorithms[a] {
			t.Errorf("no cell limits by %s", a)
		}
	}
	for _, d := range destination.Dialects() {
		if !dialects[d] {
			t.Errorf("no cell speaks %s", d)
		}
	}
	for _, r := range Rows() {
		if !rows[r] {
			t.Errorf("no cell is in the row %q", r)
		}
	}
}

func TestEveryCellIsValidAndHasANameOfItsOwn(t *testing.T) {
	for what, cells := range map[string][]Cell{"chosen": Chosen(), "full": Full()} {
		seen := make(map[string]bool, len(cells))
		for i := range cells {
			c := &cells[i]
			name := c.Name()
			if seen[name] {
				t.Errorf("%s: two cells are named %s", what, name)
			}
			seen[name] = true
			for _, l := range c.Limits {
				if err := l.Validate(); err != nil {
					t.Errorf("%s: %s: %v", what, name, err)
				}
			}
		}
	}
}

func TestRowsAreThoseOfTheBars(t *testing.T) {
	fixed := func(limit int, per time.Duration) destination.Spec {
		return destination.Spec{Algorithm: destination.Fixed, Limit: limit, Per: per}
	}
	first := destination.Spec{Algorithm: destination.FixedFirst, Limit: 100, Per: 10 * time.Second}
	counting := destination.Spec{Algorithm: destination.Counting, Limit: 100, Per: 10 * time.Second}
	atOnce := destination.Spec{Algorithm: destination.Concurrency, Limit: 4, Per: time.Second}
	shared := func(c *Cell) { c.Shared = foreignShare }
	changing := func(c *Cell) { c.Change = 2.5 }
	for _, c := range []struct {
		cell *Cell
		want Row
	}{
		{oneCell(fixed(100, 10*time.Second), destination.Draft8, 0), Advertised},
		{oneCell(fixed(20, time.Second), destination.Draft8, 0), AdvertisedShort},
		{oneCell(first, destination.XRateLimitEpoch, 0), AdvertisedShort},
		{oneCell(first, destination.XRateLimitEpochMs, 0), Advertised},
		{oneCell(fixed(20, time.Second), destination.NoHeaders, 0), RefusalsOnly},
		{oneCell(fixed(20, time.Second), destination.RetryAfterAlways, 0), RefusalsOnly},
		{oneCell(fixed(100, 10*time.Second), destination.Draft8, 0, shared), SharedLimit},
		{oneCell(fixed(5, 10*time.Second), destination.Draft8, 0, shared), Unheld},
		{oneCell(fixed(100, 10*time.Second), destination.NoHeaders, 0, shared), Unheld},
		{oneCell(fixed(100, 10*time.Second), destination.NoHeaders, 0, changing), Changing},
		{oneCell(atOnce, destination.Draft8, 0), AtOnce},
		{oneCell(counting, destination.Draft8, 0), CountRefused},
	} {
		if got := c.cell.Row(); got != c.want {
			t.Errorf("%s is in %q, want %q", c.cell.Name(), got, c.want)
		}
	}
}

func TestUseCountsOverWholeWindowsOfTheServersClock(t *testing.T) {
	cells := Chosen()
	for i := range cells {
		c := &cells[i]
		p := c.plan(uint64(i))
		for _, edge := range []instant{p.steady, p.pause, p.again, p.end} {
			if edge != never && (edge+c.Skew)%c.window() != 0 {
				t.Errorf("%s: use counts from or to %s, amid a window", c.Name(), edge)
			}
		}
		inOrder := p.begin <= p.steady && p.pause <= p.change && p.change <= p.again && (p.again == never || p.again <= p.end)
		if p.span() < 2*c.window() || !inOrder {
			t.Errorf("%s: a run of %+v", c.Name(), p)
		}
		if c.Change > 0 && p.end-p.again < c.window() {
			t.Errorf("%s: %s after the change is no steady state", c.Name(), p.end-p.again)
		}
	}
}

func TestThereIsAsMuchTimeToFindOutWhereWhatIsToldSaysNothing(t *testing.T) {
	spec := destination.Spec{Algorithm: destination.Leaky, Limit: 100, Per: time.Second}
	untold, nothing := oneCell(spec, destination.NoHeaders, 0), oneCell(spec, destination.XRateLimitEpoch, 0)
	told := oneCell(spec, destination.Draft8, 0)
	if a, b, c := untold.warmUp(), nothing.warmUp(), told.warmUp(); a != b || b <= c {
		t.Errorf("%s untold, %s where nothing is said of it, %s where it is told", a, b, c)
	}
}
