package simulate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Write writes a report for people: a line a campaign, a line a host, and whether what was asked for came true.
func (r *Report) Write(to io.Writer) error {
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "FLOW\tHOST\tACCEPTED\tDELIVERED\tFAILED\tEXPIRED\tWAITING\tDONE AT\tP50\tP95\tP99\tLONGEST\tREFUSED")
	for i := range r.Flows {
		f := &r.Flows[i]
		done := "–"
		if f.Waits == 0 && f.Delivered > 0 {
			done = r.clock(f.DoneAt)
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%d\n", f.Flow, f.Host, f.Accepted, f.Delivered,
			f.Failed, f.Expired, f.Waits, done, short(f.P50), short(f.P95), short(f.P99), short(f.Longest), f.Refused)
	}
	fmt.Fprintln(out)
	fmt.Fprintln(out, "HOST\tCALLS\tACCEPTED\tREFUSED (429)\tFAILING\tOF OTHERS\tBUSIEST SECOND\tBREAKER OPENED")
	for i := range r.Hosts {
		h := &r.Hosts[i]
		fmt.Fprintf(out, "%s\t%d\t%d\t%d (%.2f %%)\t%d\t%d\t%d\t%d\n", h.Host, h.Calls, h.Accepted, h.Refused,
			100*float64(h.Refused)/float64(max(h.Calls, 1)), h.Failing, h.Others, h.Busiest, h.BreakerOpened)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for i := range r.Flows {
		for _, g := range r.Flows[i].Goals {
			word := "yes"
			if !g.Held {
				word = "NO"
			}
			if _, err := fmt.Fprintf(to, "\n%s: %s? %s: %s", r.Flows[i].Flow, g.Asked, word, g.Found); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintln(to)
	return err
}

// clock is an instant of the scenario, with how long after its start it is.
func (r *Report) clock(at time.Duration) string {
	return fmt.Sprintf("%s (+%s)", r.Start.Add(at).UTC().Format("Jan 2 15:04:05"), short(at))
}

// short is a length of time in as much detail as anybody wants.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Millisecond)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
