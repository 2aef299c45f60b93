package matrix

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

var oncePerRun = sync.OnceValues(func() ([]Outcome, error) {
	spec := destination.Spec{Algorithm: destination.Fixed, Limit: 5, Per: 10 * time.Second}
	var outcomes []Outcome
	for _, d := range []destination.Dialect{destination.Draft8, destination.XRateLimitEpoch} {
		o, err := Try(oneCell(spec, d, time.Millisecond), append([]*Kind{Sluice}, Baselines()...), []uint64{1, 2, 3})
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
})

// twoOutcomes are of three seeds each; they are not to be changed.
func twoOutcomes(t *testing.T) []Outcome {
	t.Helper()
	outcomes, err := oncePerRun()
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

func TestReportsTellOfEveryCellAndSender(t *testing.T) {
	outcomes := twoOutcomes(t)
	var table, summary bytes.Buffer
	if err := errors.Join(WriteTable(&table, outcomes), WriteSummary(&summary, outcomes)); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(table.String(), "\n"); lines != 3 {
		t.Errorf("a table of %d lines, want 3:\n%s", lines, &table)
	}
	report := NewReport(outcomes)
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	picture := string(Draw(outcomes))
	for i := range outcomes {
		o := &outcomes[i]
		if !strings.Contains(table.String(), o.Cell.Name()) || !strings.Contains(string(text), o.Cell.Name()) {
			t.Errorf("%s is not told of", o.Cell.Name())
		}
		if n := len(report.Cells[i].Trials); n != 3 {
			t.Errorf("%d trials reported, want 3", n)
		}
		for _, r := range o.Trials[0].Results {
			for what, in := range map[string]string{"summary": summary.String(), "JSON": string(text), "picture": picture} {
				if !strings.Contains(in, r.Sender) {
					t.Errorf("the %s does not tell of %s", what, r.Sender)
				}
			}
		}
	}
	if n := len(report.Cells[0].Trials[0].Results); n != 2+len(Baselines()) {
		t.Errorf("%d results reported, want the best, ours and the baselines'", n)
	}
	if best := report.Cells[0].Trials[0].Results[0]; best.Sender != BestName || best.Use != 1 || best.Refused != 0 {
		t.Errorf("the first result reported is %+v, want the best's", best)
	}
}

func TestThePictureIsWellFormedWithAPanelForEachRowAndColoursForTheDark(t *testing.T) {
	picture := Draw(twoOutcomes(t))
	d := xml.NewDecoder(bytes.NewReader(picture))
	groups, classes := 0, map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if e.Name.Local == "g" {
			groups++
		}
		for _, a := range e.Attr {
			if a.Name.Local == "class" && e.Name.Local == "path" {
				classes[a.Value] = true
			}
		}
	}
	if want := len(Rows()) + 1; groups != want {
		t.Errorf("%d panels, want %d with the key", groups, want)
	}
	for _, m := range marks {
		if !classes[m.class] {
			t.Errorf("no mark of class %s", m.class)
		}
	}
	if !bytes.Contains(picture, []byte("prefers-color-scheme:dark")) {
		t.Error("no colours for the dark")
	}
}

func TestOneMissingSeedFailsACellAndTheMedianIsTold(t *testing.T) {
	o := twoOutcomes(t)[0]
	o.Trials = slices.Clone(o.Trials)
	for i := range o.Trials {
		o.Trials[i].Results, o.Trials[i].Missed = slices.Clone(o.Trials[i].Results), nil
	}
	if !o.Passed() || o.verdict() != "pass" {
		t.Fatalf("nothing missed, and yet passed %v, %q", o.Passed(), o.verdict())
	}
	want, _ := o.Use(0)
	last := &o.Trials[2]
	last.Results[0].Steady, last.Missed = 1, []string{"use"}
	if o.Passed() || o.verdict() != "FAIL: use (1 of 3 seeds)" {
		t.Errorf("one seed of three missed: passed %v, %q", o.Passed(), o.verdict())
	}
	median, worst := o.Use(0)
	if median < want-0.01 || worst > 0.01 {
		t.Errorf("use %.3f by the median and %.3f at worst, want %.3f and almost none", median, worst, want)
	}
	if Passed([]Outcome{o}) {
		t.Error("the study passed with a cell that failed")
	}
}
