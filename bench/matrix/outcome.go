package matrix

import (
	"slices"
)

// Outcome is a cell with what every sender made of it.
type Outcome struct {
	Cell   *Cell
	Row    Row
	Bar    Bar
	Trials []Trial
}

// Trial is one seed's: the best, and the senders in the order in which they were asked for, the first of which is held
// to the bar.
type Trial struct {
	Seed    uint64
	Best    Result
	Results []Result
	Missed  []string // of the bar, by the first
}

// Try puts senders into a cell, once for each seed.
func Try(c *Cell, kinds []*Kind, seeds []uint64) (Outcome, error) {
	o := Outcome{Cell: c, Row: c.Row(), Bar: c.Bar()}
	for _, seed := range seeds {
		best, err := Best(c, seed)
		if err != nil {
			return o, err
		}
		t := Trial{Seed: seed, Best: best}
		for _, k := range kinds {
			r, err := Run(c, k, seed)
			if err != nil {
				return o, err
			}
			t.Results = append(t.Results, r)
		}
		t.Missed = c.missed(&o.Bar, &t.Results[0], &best)
		o.Trials = append(o.Trials, t)
	}
	return o, nil
}

// Passed reports whether the bar was held with every seed.
func (o *Outcome) Passed() bool {
	return !slices.ContainsFunc(o.Trials, func(t Trial) bool { return len(t.Missed) > 0 })
}

// over returns a figure of every trial, in order of size.
func (o *Outcome) over(figure func(*Trial) float64) []float64 {
	var all []float64
	for i := range o.Trials {
		all = append(all, figure(&o.Trials[i]))
	}
	slices.Sort(all)
	return all
}

// Use returns a sender's use of what the best got, over the seeds: the median and the worst.
func (o *Outcome) Use(sender int) (median, worst float64) {
	all := o.over(func(t *Trial) float64 { return t.Results[sender].Use(&t.Best) })
	return middle(all), all[0]
}

// Refused returns a sender's share of refused calls, over the seeds: the median and the worst.
func (o *Outcome) Refused(sender int) (median, worst float64) {
	all := o.over(func(t *Trial) float64 { return t.Results[sender].Share() })
	return middle(all), all[len(all)-1]
}

// Standing is how a row's cells came out for one sender, by the median of the seeds.
type Standing struct {
	Row                        Row
	Cells                      int
	LeastUse, MedianUse        float64
	MostRefused, MedianRefused float64
	Failed                     int  // cells; of the first sender only
	MedianMissed               bool // the bar on the row's median, by the first sender
}

// Summarize returns how one of the senders stands, row by row; rows without cells are left out.
func Summarize(outcomes []Outcome, sender int) []Standing {
	var standings []Standing
	for _, row := range append(Rows(), Unheld) {
		s := Standing{Row: row}
		var uses, refused []float64
		for i := range outcomes {
			o := &outcomes[i]
			if o.Row != row {
				continue
			}
			use, _ := o.Use(sender)
			share, _ := o.Refused(sender)
			uses, refused = append(uses, use), append(refused, share)
			if sender == 0 && !o.Passed() {
				s.Failed++
			}
		}
		if s.Cells = len(uses); s.Cells == 0 {
			continue
		}
		slices.Sort(uses)
		slices.Sort(refused)
		s.LeastUse, s.MedianUse = uses[0], middle(uses)
		s.MostRefused, s.MedianRefused = refused[len(refused)-1], middle(refused)
		s.MedianMissed = sender == 0 && s.MedianUse < row.medianUse()
		standings = append(standings, s)
	}
	return standings
}

// Passed reports whether every cell, and every row's median, held its bar.
func Passed(outcomes []Outcome) bool {
	for _, s := range Summarize(outcomes, 0) {
		if s.Failed > 0 || s.MedianMissed {
			return false
		}
	}
	return true
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
