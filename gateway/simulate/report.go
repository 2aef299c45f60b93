package simulate

import (
	"fmt"
	"slices"
	"time"
)

// Report is what came of a scenario. Instants count from its start.
type Report struct {
	Start     time.Time
	Ended     time.Duration // when nothing was left, or the end of what was looked at
	Flows     []FlowReport  // one for each campaign, in their order
	Hosts     []HostReport
	Timeline  []Sample
	Held      bool // every goal was reached
	Attempts  int
	Unsettled int // webhooks that had not ended when the time was over
}

// FlowReport is what came of one campaign.
type FlowReport struct {
	Flow, Tenant, Host                          string
	Accepted, Delivered, Failed, Expired, Waits int
	Refused                                     int           // attempts answered 429
	FirstAt, DoneAt                             time.Duration // first and last delivery; DoneAt counts only when nothing waits
	P50, P95, P99, Longest                      time.Duration // from acceptance to delivery
	Goals                                       []Goal
}

// Goal is what was asked of a campaign, whether it was so, and by how much, or what came instead.
type Goal struct {
	Asked string
	Held  bool
	Found string
}

// HostReport is what a destination saw.
type HostReport struct {
	Host                              string
	Calls, Accepted, Refused, Failing int
	Others                            int // calls of others that were accepted
	Busiest                           int // calls within the busiest second
	BreakerOpened                     int
}

// Sample is how things stood at an instant: of each campaign what was accepted and delivered until then, of each host
// the calls since the sample before.
type Sample struct {
	At        time.Duration
	Accepted  []int
	Delivered []int
	Calls     []int
	Refused   []int
	Open      []bool // the breaker
}

func (r *Report) finish(sc *Scenario, waits [][]float32) {
	r.Held = true
	for i := range r.Flows {
		f, c := &r.Flows[i], &sc.Campaigns[i]
		w := waits[i]
		slices.Sort(w)
		f.P50, f.P95, f.P99, f.Longest = quantile(w, 0.5), quantile(w, 0.95), quantile(w, 0.99), quantile(w, 1)
		f.Waits = f.Accepted - f.Delivered - f.Failed - f.Expired
		r.Unsettled += f.Waits
		all := f.Delivered == c.Count
		if c.DoneBy > 0 {
			asked := Goal{Asked: "all delivered by " + short(c.DoneBy), Held: all && f.DoneAt <= c.DoneBy}
			switch {
			case !all:
				asked.Found = fmt.Sprintf("%d are not", c.Count-f.Delivered)
			case asked.Held:
				asked.Found = short(c.DoneBy-f.DoneAt) + " to spare"
			default:
				asked.Found = short(f.DoneAt-c.DoneBy) + " late"
			}
			f.Goals = append(f.Goals, asked)
		}
		if c.Within > 0 {
			asked := Goal{Asked: "99 % within " + short(c.Within), Held: 100*(c.Count-countWithin(w, c.Within)) <= c.Count}
			if asked.Found = "within " + short(f.P99); f.Delivered < c.Count {
				asked.Found += fmt.Sprintf(" of those delivered, %d are not", c.Count-f.Delivered)
			}
			f.Goals = append(f.Goals, asked)
		}
		for _, g := range f.Goals {
			r.Held = r.Held && g.Held
		}
	}
}

// quantile returns the q-th part of sorted waits in seconds.
func quantile(sorted []float32, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return seconds(sorted[i])
}

func countWithin(sorted []float32, d time.Duration) int {
	n, _ := slices.BinarySearchFunc(sorted, d, func(w float32, d time.Duration) int {
		if seconds(w) <= d {
			return -1
		}
		return 1
	})
	return n
}

func seconds(s float32) time.Duration {
	return time.Duration(float64(s) * float64(time.Second)).Round(time.Millisecond)
}
