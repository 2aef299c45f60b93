package real

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// verdict is one word.
func (r *Result) verdict() string {
	if r.Pass {
		return "pass"
	}
	return "FAIL"
}

// String is the result in a line.
func (r *Result) String() string {
	if r.Seconds == 0 {
		return fmt.Sprintf("%s: FAIL: %s", r.Name, r.Fault)
	}
	return fmt.Sprintf("%s: %s: use %.4f, %d of %d refused (%.2f %%)", r.Name, r.verdict(), r.Use, r.Refused, r.Calls,
		100*r.RefusedShare)
}

// String is the plain sender's use and, if there were any, its refusals.
func (p *Paced) String() string {
	switch {
	case p == nil:
		return "-"
	case p.RefusedShare == 0:
		return fmt.Sprintf("%.4f", p.Use)
	}
	return fmt.Sprintf("%.4f, %.2f %%", p.Use, 100*p.RefusedShare)
}

// Table writes results as people read them.
func Table(w io.Writer, results []Result) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "destination\trule\ttells\tseconds\tallowance\taccepted\tuse\twhole run\trefused\t\tpaced\tbar\t")
	for i := range results {
		r := &results[i]
		tells := r.Tells
		if tells == "" {
			tells = "429 only"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%.0f\t%.0f\t%d\t%.4f\t%.4f\t%d of %d\t%.2f %%\t%s\t%s\t\n", r.Name, r.Rule, tells,
			r.Seconds, r.Allowance, r.Accepted, r.Use, r.WholeUse, r.Refused, r.Calls, 100*r.RefusedShare, r.Paced, r.verdict())
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for i := range results {
		r := &results[i]
		if r.Fault != "" {
			fmt.Fprintf(w, "%s: %s\n", r.Name, r.Fault)
		}
		if r.Others > 0 {
			fmt.Fprintf(w, "%s: %d calls were answered neither 2xx nor 429\n", r.Name, r.Others)
		}
	}
	return nil
}

// Trace writes when calls were accepted and refused, second by second, and what the gateway made of the destination.
func Trace(w io.Writer, results []Result) {
	for i := range results {
		r := &results[i]
		fmt.Fprintf(w, "\n%s (%s)\n", r.String(), r.Rule)
		for begin := 0; begin < len(r.PerSecond); begin += 10 {
			row := r.PerSecond[begin:min(begin+10, len(r.PerSecond))]
			cells, accepted := make([]string, len(row)), 0
			for j, s := range row {
				cells[j] = fmt.Sprintf("%6d", s.Accepted)
				if s.Refused > 0 {
					cells[j] = fmt.Sprintf("%6s", fmt.Sprintf("%d!%d", s.Accepted, s.Refused))
				}
				accepted += s.Accepted
			}
			fmt.Fprintf(w, "%5d s %s  = %d\n", begin, strings.Join(cells, " "), accepted)
		}
		if len(r.Refusals) > 0 {
			fmt.Fprintf(w, "  refused at %s s\n", instants(r.Refusals))
		}
		if r.Host != nil {
			fmt.Fprintf(w, "  %s\n", r.Host)
		}
	}
}

// instants lists instants in seconds, those of one and the same tenth once with their number, and no more than people
// read.
func instants(seconds []float64) string {
	const most = 60
	var words []string
	for i := 0; i < len(seconds); {
		n := 1
		for i+n < len(seconds) && seconds[i+n]-seconds[i] < 0.1 {
			n++
		}
		if len(words) == most {
			return strings.Join(words, ", ") + ", …"
		}
		word := fmt.Sprintf("%.2f", seconds[i])
		if n > 1 {
			word += fmt.Sprintf(" ×%d", n)
		}
		words = append(words, word)
		i += n
	}
	return strings.Join(words, ", ")
}
