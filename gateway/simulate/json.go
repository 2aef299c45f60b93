package simulate

import (
	"encoding/json"
	"time"
)

// MarshalJSON writes a report for programs: snake case, lengths of time in seconds from the scenario's start. The
// timeline is left to the picture.
func (r *Report) MarshalJSON() ([]byte, error) {
	type goal struct {
		Asked string `json:"asked"`
		Held  bool   `json:"held"`
		Found string `json:"found"`
	}
	type flow struct {
		Flow      string  `json:"flow"`
		Tenant    string  `json:"tenant"`
		Host      string  `json:"host"`
		Accepted  int     `json:"accepted"`
		Delivered int     `json:"delivered"`
		Failed    int     `json:"failed"`
		Expired   int     `json:"expired"`
		Waiting   int     `json:"waiting"`
		Refused   int     `json:"refused"`
		FirstAt   float64 `json:"first_at"`
		DoneAt    float64 `json:"done_at"`
		P50       float64 `json:"p50"`
		P95       float64 `json:"p95"`
		P99       float64 `json:"p99"`
		Longest   float64 `json:"longest"`
		Goals     []goal  `json:"goals"`
	}
	type host struct {
		Host          string `json:"host"`
		Calls         int    `json:"calls"`
		Accepted      int    `json:"accepted"`
		Refused       int    `json:"refused"`
		Failing       int    `json:"failing"`
		Others        int    `json:"others"`
		Busiest       int    `json:"busiest_second"`
		BreakerOpened int    `json:"breaker_opened"`
	}
	shown := struct {
		Start   time.Time `json:"start"`
		Seconds float64   `json:"seconds"`
		Held    bool      `json:"held"`
		Flows   []flow    `json:"flows"`
		Hosts   []host    `json:"hosts"`
	}{Start: r.Start, Seconds: r.Ended.Seconds(), Held: r.Held}
	for i := range r.Flows {
		f := &r.Flows[i]
		to := flow{
			Flow: f.Flow, Tenant: f.Tenant, Host: f.Host, Accepted: f.Accepted, Delivered: f.Delivered, Failed: f.Failed,
			Expired: f.Expired, Waiting: f.Waits, Refused: f.Refused, FirstAt: f.FirstAt.Seconds(), DoneAt: f.DoneAt.Seconds(),
			P50: f.P50.Seconds(), P95: f.P95.Seconds(), P99: f.P99.Seconds(), Longest: f.Longest.Seconds(), Goals: []goal{},
		}
		for _, g := range f.Goals {
			to.Goals = append(to.Goals, goal(g))
		}
		shown.Flows = append(shown.Flows, to)
	}
	for i := range r.Hosts {
		shown.Hosts = append(shown.Hosts, host(r.Hosts[i]))
	}
	return json.Marshal(shown)
}
