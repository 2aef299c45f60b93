package real

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// steady is answers every so often for a while from an instant on, after the first.
func steady(status int, from, every, length time.Duration) []Answer {
	var all []Answer
	for at := from; at < from+length; at += every {
		all = append(all, Answer{
			At: time.Unix(1000, 0).Add(at), Took: 40 * time.Millisecond, Status: status, ID: strconv.Itoa(int(at)),
		})
	}
	return all
}

func TestUseCountsWhatWasAcceptedAfterTheWarmUp(t *testing.T) {
	d := &Destination{Name: "x", Rule: Rule{Limit: 100, Per: 10 * time.Second}, Tells: "all"}
	answers := append(steady(200, 0, time.Second, 10*time.Second), // a slow start: 10 of 100
		steady(200, 10*time.Second, 100*time.Millisecond, 25*time.Second)...) // 200 in the measured time, 50 after it
	got := measure(d, 20*time.Second, answers)
	if got.Accepted != 200 || got.Allowance != 200 || got.Use != 1 || !got.Pass {
		t.Errorf("%d of %.0f, use %.3f, pass %t, want 200 of 200, 1, true", got.Accepted, got.Allowance, got.Use, got.Pass)
	}
	if got.Calls != 210 || got.WholeAccepted != 210 || got.WholeUse != 0.7 {
		t.Errorf("of the whole run %d calls, %d accepted, use %.3f, want 210, 210 and 0.7: what came after it does not count",
			got.Calls, got.WholeAccepted, got.WholeUse)
	}
	if len(got.PerSecond) != 30 || got.PerSecond[0].Accepted != 1 || got.PerSecond[29].Accepted != 10 || got.Peak != 10 {
		t.Errorf("seconds: %v, peak %d", got.PerSecond, got.Peak)
	}
}

func TestRefusalsOfTheWarmUpCount(t *testing.T) {
	d := &Destination{Name: "x", Rule: Rule{Limit: 100, Per: 10 * time.Second}, Tells: "all"}
	answers := append(steady(429, 0, time.Second, 2*time.Second),
		steady(200, 10*time.Second, 100*time.Millisecond, 10*time.Second)...)
	got := measure(d, 10*time.Second, answers)
	if got.Refused != 2 || got.Calls != 102 || got.Pass {
		t.Errorf("%d of %d refused, pass %t, want 2 of 102, which is above 0.5 %%", got.Refused, got.Calls, got.Pass)
	}
	if len(got.Refusals) != 2 || got.Refusals[1] != 1 {
		t.Errorf("refused at %v, want 0 and 1 s", got.Refusals)
	}
}

func TestAnAllowanceOfCallsAtOnceGoesByHowLongTheyTook(t *testing.T) {
	d := &Destination{Name: "x", Rule: Rule{Kind: Concurrency, Limit: 2, Took: time.Hour}}
	got := measure(d, 10*time.Second, steady(200, 0, 40*time.Millisecond, 20*time.Second))
	if got.Allowance != 500 || got.Accepted != 250 || got.Use != 0.5 || got.Pass {
		t.Errorf("%d of %.0f, use %.3f, pass %t, want 250 of 500: one of two was busy", got.Accepted, got.Allowance, got.Use, got.Pass)
	}
}

func TestFaultsAndRepeatsAreNotPassed(t *testing.T) {
	d := &Destination{Name: "x", Rule: Rule{Limit: 10, Per: time.Second}}
	good := steady(200, 0, 100*time.Millisecond, 20*time.Second)
	if got := measure(d, 10*time.Second, good); !got.Pass || got.Duplicates != 0 {
		t.Fatalf("all of the allowance used: %+v", got)
	}
	twice := slices.Concat(good, good[len(good)-1:])
	if got := measure(d, 10*time.Second, twice); got.Duplicates != 1 {
		t.Errorf("%d accepted again, want 1", got.Duplicates)
	}
	broken := append([]Answer{{At: good[0].At, Status: 502, ID: "b"}}, good...)
	if got := measure(d, 10*time.Second, broken); got.Others != 1 || got.Pass {
		t.Errorf("%d answered otherwise, pass %t, want 1 and false", got.Others, got.Pass)
	}
	if got := measure(d, 10*time.Second, nil); got.Fault == "" || got.Pass {
		t.Errorf("no call at all: %+v", got)
	}
}

func TestTheReportSaysWhatFailedAndWhen(t *testing.T) {
	d := &Destination{Name: "quiet", Rule: Rule{Limit: 10, Per: time.Second}}
	answers := append(steady(429, 3*time.Second, 10*time.Millisecond, 30*time.Millisecond),
		steady(200, 0, 100*time.Millisecond, 20*time.Second)...)
	answers = append(steady(200, 0, time.Second, time.Second), answers...)
	results := []Result{measure(d, 10*time.Second, answers), failure(d, errors.New("nginx: does not listen"))}
	results[0].Paced = &Paced{Use: 0.91, RefusedShare: 0.018}
	var table, trace bytes.Buffer
	if err := Table(&table, results); err != nil {
		t.Fatal(err)
	}
	Trace(&trace, results)
	for _, want := range []string{"429 only", "1.0000", "3 of 204", "1.47 %", "0.9100, 1.80 %", "pass", "FAIL",
		"nginx: does not listen"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, &table)
		}
	}
	for _, want := range []string{"refused at 3.00 ×3 s", "10!3", "= 101"} {
		if !strings.Contains(trace.String(), want) {
			t.Errorf("the trace does not say %q:\n%s", want, &trace)
		}
	}
}
