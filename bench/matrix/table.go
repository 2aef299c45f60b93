package matrix

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteTable writes a line for each cell, of which there is at least one: of the first sender by the median of the
// seeds and, where there are several, the worst; of the others use and share refused.
func WriteTable(w io.Writer, outcomes []Outcome) error {
	several := len(outcomes[0].Trials) > 1
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "cell\tbest/s\tuse\t")
	if several {
		fmt.Fprint(out, "worst\t")
	}
	fmt.Fprint(out, "bar\tuse, whole run\t429\tallowed\tshare\t90 % after\tbusiest s\t")
	for _, r := range outcomes[0].Trials[0].Results[1:] {
		fmt.Fprintf(out, "%s\t", r.Sender)
	}
	fmt.Fprintln(out, "verdict")
	for i := range outcomes {
		o := &outcomes[i]
		t := o.worst()
		r := &t.Results[0]
		use, worst := o.Use(0)
		fmt.Fprintf(out, "%s\t%.2f\t%.4f\t", o.Cell.Name(), float64(t.Best.Steady)/t.Best.Span.Seconds(), use)
		if several {
			fmt.Fprintf(out, "%.4f\t", worst)
		}
		fmt.Fprintf(out, "%s\t%.4f\t%d\t%s\t%.2f%%\t%s\t×%.1f\t", o.Bar.useText(), r.UseOfAll(&t.Best), r.Refused,
			o.allowedText(r), 100*r.Share(), o.adaptedText(r), r.Burst)
		for j := 1; j < len(t.Results); j++ {
			use, _ := o.Use(j)
			share, _ := o.Refused(j)
			fmt.Fprintf(out, "%.3f %.2f%%\t", use, 100*share)
		}
		fmt.Fprintln(out, o.verdict())
	}
	return out.Flush()
}

// worst is the trial that is told of where there is room for one: one that missed the bar, else that of the least use.
func (o *Outcome) worst() *Trial {
	return slices.MinFunc(o.pointers(), func(a, b *Trial) int {
		return cmp.Or(-cmp.Compare(len(a.Missed), len(b.Missed)),
			cmp.Compare(a.Results[0].Use(&a.Best), b.Results[0].Use(&b.Best)))
	})
}

func (o *Outcome) pointers() []*Trial {
	ts := make([]*Trial, len(o.Trials))
	for i := range o.Trials {
		ts[i] = &o.Trials[i]
	}
	return ts
}

func (b *Bar) useText() string {
	switch {
	case b.Use == 0:
		return "-"
	case b.Possible < 1:
		return fmt.Sprintf("%.3f*", b.Use)
	}
	return fmt.Sprintf("%.3f", b.Use)
}

func (o *Outcome) allowedText(r *Result) string {
	if o.Row == Unheld {
		return "-"
	}
	return fmt.Sprint(o.Cell.Refusals(&o.Bar, r.Sent))
}

func (o *Outcome) adaptedText(r *Result) string {
	switch {
	case o.Cell.Change == 0:
		return "-"
	case r.Adapted < 0:
		return fmt.Sprintf("never of %.0f s", o.Cell.adaptation().Seconds())
	}
	return fmt.Sprintf("%.1f of %.0f s", r.Adapted.Seconds(), o.Cell.adaptation().Seconds())
}

func (o *Outcome) verdict() string {
	missed := o.worst().Missed
	switch {
	case o.Row == Unheld:
		return "no bar"
	case len(missed) == 0:
		return "pass"
	}
	text := "FAIL: " + strings.Join(missed, ", ")
	if n := len(o.Trials); n > 1 {
		failed := 0
		for i := range o.Trials {
			failed += min(1, len(o.Trials[i].Missed))
		}
		text += fmt.Sprintf(" (%d of %d seeds)", failed, n)
	}
	return text
}

// WriteSummary writes how every sender stands, row by row; which cells have a bar of their own, and why; and the cells
// that failed by most.
func WriteSummary(w io.Writer, outcomes []Outcome) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "row\tsender\tcells\tleast use\tmedian use\tmedian 429\tmost 429\tfailed")
	for sender, r := range outcomes[0].Trials[0].Results {
		for _, s := range Summarize(outcomes, sender) {
			fmt.Fprintf(out, "%s\t%s\t%d\t%.4f\t%.4f\t%.2f%%\t%.2f%%\t", s.Row, r.Sender, s.Cells, s.LeastUse, s.MedianUse,
				100*s.MedianRefused, 100*s.MostRefused)
			switch {
			case sender > 0 || s.Row == Unheld:
				fmt.Fprintln(out)
			case s.MedianMissed:
				fmt.Fprintf(out, "%d, and the median: %.2f\n", s.Failed, s.Row.medianUse())
			default:
				fmt.Fprintln(out, s.Failed)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	writeExceptions(w, outcomes)
	writeOffenders(w, outcomes)
	return nil
}

// writeExceptions lists the cells whose row's bar nobody can hold.
func writeExceptions(w io.Writer, outcomes []Outcome) {
	by := map[string][]*Outcome{}
	var reasons []string
	for i := range outcomes {
		o := &outcomes[i]
		if o.Bar.Possible == 1 || o.Bar.Possible*o.Row.bar().Use >= o.Row.bar().Use-0.001 {
			continue
		}
		if by[o.Bar.Why] == nil {
			reasons = append(reasons, o.Bar.Why)
		}
		by[o.Bar.Why] = append(by[o.Bar.Why], o)
	}
	if len(reasons) == 0 {
		return
	}
	slices.Sort(reasons)
	fmt.Fprintln(w, "\n* what is possible at all, computed; the row's bar is taken of it:")
	for _, why := range reasons {
		least, most := 1.0, 0.0
		for _, o := range by[why] {
			least, most = min(least, o.Bar.Possible), max(most, o.Bar.Possible)
		}
		fmt.Fprintf(w, "  %s: %.3f to %.3f of the best, %d cells\n", why, least, most, len(by[why]))
	}
}

// worstListed is how many failed cells are listed.
const worstListed = 20

func writeOffenders(w io.Writer, outcomes []Outcome) {
	var failed []*Outcome
	for i := range outcomes {
		if !outcomes[i].Passed() {
			failed = append(failed, &outcomes[i])
		}
	}
	if len(failed) == 0 {
		return
	}
	slices.SortStableFunc(failed, func(a, b *Outcome) int { return cmp.Compare(b.shortfall(), a.shortfall()) })
	fmt.Fprintf(w, "\n%d of %d cells failed; those that failed by most:\n", len(failed), len(outcomes))
	for _, o := range failed[:min(worstListed, len(failed))] {
		fmt.Fprintf(w, "  %s: %s\n", o.Cell.Name(), strings.Join(o.missedTexts(), "; "))
	}
}

// missedTexts says by how much the worst trial missed each part of the bar.
func (o *Outcome) missedTexts() []string {
	t := o.worst()
	r := &t.Results[0]
	var texts []string
	for _, part := range t.Missed {
		switch part {
		case missedUse:
			texts = append(texts, fmt.Sprintf("use %.3f, bar %.3f", r.Use(&t.Best), o.Bar.Use))
		case missedRefused:
			texts = append(texts, fmt.Sprintf("%d of %d refused, bar %d", r.Refused, r.Sent, o.Cell.Refusals(&o.Bar, r.Sent)))
		case missedAdapt:
			texts = append(texts, "90 % after "+o.adaptedText(r))
		}
	}
	return texts
}

// shortfall is by how much a cell failed, 0 to 1: the part of the bar's use that is missing, or the part of the
// refusals or of the time to adapt that was too much, whichever is most.
func (o *Outcome) shortfall() float64 {
	t := o.worst()
	r := &t.Results[0]
	most := 0.0
	for _, part := range t.Missed {
		short := 0.0
		switch part {
		case missedUse:
			short = 1 - r.Use(&t.Best)/o.Bar.Use
		case missedRefused:
			short = 1 - float64(o.Cell.Refusals(&o.Bar, r.Sent))/float64(r.Refused)
		case missedAdapt:
			if short = 1; r.Adapted > 0 {
				short = 1 - o.Bar.Adapt.Seconds()/r.Adapted.Seconds()
			}
		}
		most = max(most, short)
	}
	return most
}
