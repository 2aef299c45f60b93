package real

import (
	"encoding/json"
	"errors"
	"time"
)

// Result is what a destination saw.
type Result struct {
	Name  string `json:"name"`
	Rule  string `json:"rule"`
	Tells string `json:"tells"`
	Bar   Bar    `json:"bar"`
	Pass  bool   `json:"pass"`
	Fault string `json:"fault,omitempty"` // why there is nothing to judge

	WarmUp    float64 `json:"warm_up_seconds"`
	Seconds   float64 `json:"seconds"` // measured, after the warm-up
	Allowance float64 `json:"allowance"`
	Accepted  int     `json:"accepted"`
	Use       float64 `json:"use"`

	Calls         int     `json:"calls"` // of the whole run, as the next four
	Refused       int     `json:"refused"`
	RefusedShare  float64 `json:"refused_share"`
	WholeAccepted int     `json:"whole_accepted"`
	WholeUse      float64 `json:"whole_use"`
	Others        int     `json:"others"`     // answered neither 2xx nor 429
	Duplicates    int     `json:"duplicates"` // webhooks accepted again
	Peak          int     `json:"peak"`       // accepted at most in a second of the clock

	Paced *Paced `json:"paced,omitempty"` // nil: not asked for

	PerSecond []Second        `json:"per_second"`
	Refusals  []float64       `json:"refusals"` // seconds after the first call
	Host      json.RawMessage `json:"host,omitempty"`
}

// Second is what was answered in one second of a run.
type Second struct {
	Accepted int `json:"a"`
	Refused  int `json:"r"`
}

// failure is the result of a destination that could not be measured.
func failure(d *Destination, err error) Result {
	return Result{Name: d.Name, Rule: d.Rule.String(), Tells: d.Tells, Bar: d.Bar(), Fault: err.Error()}
}

// measure reckons a run of a destination from its answers, which stand in the order of arrival.
func measure(d *Destination, duration time.Duration, answers []Answer) Result {
	if len(answers) == 0 {
		return failure(d, errors.New("it got no call"))
	}
	r := Result{Name: d.Name, Rule: d.Rule.String(), Tells: d.Tells, Bar: d.Bar()}
	first := answers[0].At
	warm, length := d.Rule.Begins(first).Sub(first), d.Rule.Measured(duration)
	r.WarmUp, r.Seconds = warm.Seconds(), length.Seconds()
	r.PerSecond = make([]Second, int((warm+length)/time.Second))
	seen := make(map[string]bool, len(answers))
	var took time.Duration
	for i := range answers {
		a := &answers[i]
		at := a.At.Sub(first)
		if at >= warm+length {
			break
		}
		r.Calls++
		second := &r.PerSecond[min(int(at/time.Second), len(r.PerSecond)-1)]
		switch {
		case a.accepted():
			r.WholeAccepted++
			second.Accepted++
			took += a.Took
			if at >= warm {
				r.Accepted++
			}
			if a.ID != "-" && seen[a.ID] {
				r.Duplicates++
			}
			seen[a.ID] = true
		case a.refused():
			r.Refused++
			second.Refused++
			r.Refusals = append(r.Refusals, at.Seconds())
		default:
			r.Others++
		}
		r.Peak = max(r.Peak, second.Accepted)
	}
	mean := took / time.Duration(max(r.WholeAccepted, 1))
	r.Allowance = d.Rule.Allowance(length, mean)
	r.Use = float64(r.Accepted) / r.Allowance
	r.WholeUse = float64(r.WholeAccepted) / d.Rule.WholeAllowance(warm+length, mean)
	r.RefusedShare = float64(r.Refused) / float64(r.Calls)
	r.Pass = r.Use >= r.Bar.Use && r.RefusedShare <= r.Bar.Refused && r.Others == 0
	return r
}
