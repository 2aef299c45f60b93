package matrix

// Report is everything there is to know of a study, to be written as JSON. Durations are in seconds.
type Report struct {
	Passed bool           `json:"passed"`
	Rows   []ReportedRow  `json:"rows"`
	Cells  []ReportedCell `json:"cells"`
}

// ReportedRow is how one sender stands in one row.
type ReportedRow struct {
	Row           string  `json:"row"`
	Sender        string  `json:"sender"`
	Cells         int     `json:"cells"`
	LeastUse      float64 `json:"least_use"`
	MedianUse     float64 `json:"median_use"`
	MedianRefused float64 `json:"median_refused"`
	MostRefused   float64 `json:"most_refused"`
	Failed        int     `json:"failed"`
}

// ReportedCell is one cell with its bar and all trials.
type ReportedCell struct {
	Cell     string          `json:"cell"`
	Row      string          `json:"row"`
	Bar      ReportedBar     `json:"bar"`
	Passed   bool            `json:"passed"`
	Possible float64         `json:"possible"` // of the best's use
	Why      string          `json:"why,omitempty"`
	Trials   []ReportedTrial `json:"trials"`
}

// ReportedBar is what had to be reached; zero: no bar.
type ReportedBar struct {
	Use     float64 `json:"use,omitempty"`
	Refused float64 `json:"refused,omitempty"`
	Adapt   float64 `json:"adapt,omitempty"`
}

// ReportedTrial is one seed's.
type ReportedTrial struct {
	Seed    uint64           `json:"seed"`
	Missed  []string         `json:"missed,omitempty"`
	Results []ReportedResult `json:"results"` // the best first
}

// ReportedResult is one sender's.
type ReportedResult struct {
	Sender   string  `json:"sender"`
	Use      float64 `json:"use"`
	UseOfAll float64 `json:"use_of_whole_run"`
	Sent     int     `json:"sent"`
	Accepted int     `json:"accepted"`
	Refused  int     `json:"refused"`
	Share    float64 `json:"refused_share"`
	Steady   int     `json:"accepted_where_it_counts"`
	Span     float64 `json:"counted_seconds"`
	Foreign  int     `json:"accepted_of_others,omitempty"`
	Burst    float64 `json:"busiest_second_over_pace"`
	// Adapted is how long 90 % of a changed allowance took: absent without a change, negative when never.
	Adapted *float64 `json:"adapted,omitempty"`
}

// NewReport gathers what is to be written of outcomes, of which there is at least one.
func NewReport(outcomes []Outcome) *Report {
	rep := &Report{Passed: Passed(outcomes)}
	for i, r := range outcomes[0].Trials[0].Results {
		for _, s := range Summarize(outcomes, i) {
			rep.Rows = append(rep.Rows, ReportedRow{
				Row: s.Row.String(), Sender: r.Sender, Cells: s.Cells, LeastUse: s.LeastUse, MedianUse: s.MedianUse,
				MedianRefused: s.MedianRefused, MostRefused: s.MostRefused, Failed: s.Failed,
			})
		}
	}
	for i := range outcomes {
		o := &outcomes[i]
		c := ReportedCell{
			Cell: o.Cell.Name(), Row: o.Row.String(), Passed: o.Passed(), Possible: o.Bar.Possible, Why: o.Bar.Why,
			Bar: ReportedBar{Use: o.Bar.Use, Adapt: o.Bar.Adapt.Seconds()},
		}
		if o.Bar.Refused < 1 {
			c.Bar.Refused = o.Bar.Refused
		}
		for _, t := range o.Trials {
			rt := ReportedTrial{Seed: t.Seed, Missed: t.Missed, Results: []ReportedResult{o.reported(&t.Best, &t.Best)}}
			for j := range t.Results {
				rt.Results = append(rt.Results, o.reported(&t.Results[j], &t.Best))
			}
			c.Trials = append(c.Trials, rt)
		}
		rep.Cells = append(rep.Cells, c)
	}
	return rep
}

func (o *Outcome) reported(r, best *Result) ReportedResult {
	rr := ReportedResult{
		Sender: r.Sender, Use: r.Use(best), UseOfAll: r.UseOfAll(best), Sent: r.Sent, Accepted: r.Accepted,
		Refused: r.Refused, Share: r.Share(), Steady: r.Steady, Span: r.Span.Seconds(), Foreign: r.Foreign, Burst: r.Burst,
	}
	if o.Cell.Change > 0 {
		adapted := r.Adapted.Seconds()
		if r.Adapted < 0 {
			adapted = -1
		}
		rr.Adapted = &adapted
	}
	return rr
}
