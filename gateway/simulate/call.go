package simulate

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
)

// call is an attempt under way.
type call struct {
	start    schedule.Start
	campaign int
	model    *model
	sent     time.Time
	reply    reply
	took     bool // it holds one of the host's places at once
	hint     *limiter.Hint
}

// begin sends a call on its way.
func (r *run) begin(s schedule.Start) {
	i := campaignOf(s.Entry.ID)
	m := r.models[s.Lane.Host]
	c := &call{start: s, campaign: i, model: m, sent: r.now}
	r.flying[s.Entry.ID] = c
	r.report.Attempts++
	m.report.Calls++
	r.sample.called(m, r.now)
	if r.set.Called != nil {
		r.set.Called(m.Name, r.now.Sub(r.sc.Start))
	}
	if a, out := m.out(r.now.Sub(r.sc.Start)); out && a == Refuse {
		m.report.Failing++
		c.reply = reply{class: policy.ClassConnect}
		r.plan(event{at: r.now.Add(refusedAfter), kind: answer, call: c})
		return
	}
	r.plan(event{at: r.now.Add(m.latency() / 2), kind: reach, call: c})
}

// reach lets a call reach its destination.
func (r *run) reach(c *call) {
	m := c.model
	if a, out := m.out(r.now.Sub(r.sc.Start)); out && a != Refuse {
		m.report.Failing++
		if a == Silence {
			c.reply = reply{class: policy.ClassTimeout}
			r.plan(event{at: c.sent.Add(r.policyOf(c).Timeout), kind: answer, call: c})
			return
		}
		c.reply = reply{status: int(a)}
		r.plan(event{at: r.now.Add(m.latency() / 2), kind: answer, call: c})
		return
	}
	ok := m.decide(r.now)
	c.reply.status = statusRefused
	back := m.latency() / 2
	if ok {
		c.reply.status, c.took = statusOK, true
		m.report.Accepted++
		back += m.queued()
	} else {
		m.report.Refused++
		r.report.Flows[c.campaign].Refused++
		r.sample.refused(m)
		if r.set.Refused != nil {
			r.set.Refused(m.Name, r.now.Sub(r.sc.Start))
		}
	}
	c.hint = r.reading.read(c.reply.status, c.sent, r.now.Add(back), m.fields(r.now))
	r.plan(event{at: r.now.Add(back), kind: answer, call: c})
}

func (r *run) policyOf(c *call) *policy.Policy { return r.set.Policies[r.campaigns[c.campaign].Policy] }

// over notes that a webhook has ended.
func (r *run) over(s *schedule.Start) {
	r.shelves[s.Queue].remove(s.Entry.Position)
	r.schedule.Settled(r.now, s.Entry.ID, nil)
	r.live--
}

// answered takes the end of a call, as dispatch does.
func (r *run) answered(c *call) {
	delete(r.flying, c.start.Entry.ID)
	m := c.model
	if c.took && m.atOnce {
		m.done(r.now)
	}
	p := r.policyOf(c)
	var wait time.Duration
	a := policy.Attempt{Status: c.reply.status, Class: c.reply.class}
	if c.hint != nil && c.hint.HasRetryAfter {
		a.HasRetryAfter, wait = true, c.hint.RetryAfter
	}
	outcome := p.Classify(a)
	health := r.set.Health(c.start.Lane.Host, c.reply.status, c.reply.class, outcome == policy.Throttled)
	t := r.schedule.Ended(r.now, &schedule.End{
		ID: c.start.Entry.ID, Permit: c.start.Permit, Health: health,
		Seen: limiter.Observation{
			Sent: c.sent, Received: r.now, Status: c.reply.status, Hint: c.hint,
			Failed: c.reply.class != "", TimedOut: c.reply.class == policy.ClassTimeout,
		},
	})
	if t.To == circuit.Open {
		m.report.BreakerOpened++
	}
	if r.set.Changed != nil && t != (circuit.Transition{}) {
		r.set.Changed(m.Name, r.now.Sub(r.sc.Start), t)
	}
	f := &r.report.Flows[c.campaign]
	switch outcome {
	case policy.Delivered:
		at := r.now.Sub(r.sc.Start)
		if f.Delivered == 0 {
			f.FirstAt = at
		}
		f.Delivered++
		f.DoneAt = at
		accepted := r.now.UnixMilli() - int64(c.start.Entry.ID.Time()) //nolint:gosec // see identify
		r.waits[c.campaign] = append(r.waits[c.campaign], float32(accepted)/1000)
		r.over(&c.start)
	case policy.Failed:
		f.Failed++
		r.over(&c.start)
	default:
		r.again(c, p, outcome, wait)
	}
}

// again has a webhook tried once more, or gives it up.
func (r *run) again(c *call, p *policy.Policy, outcome policy.Outcome, wait time.Duration) {
	next := c.start.Entry
	delay, giveUp := p.Account(&next, outcome, c.reply.class, r.now.Sub(c.sent), wait, r.random.Float64())
	if giveUp != "" {
		r.report.Flows[c.campaign].Failed++
		r.over(&c.start)
		return
	}
	queue := r.shelves[c.start.Queue]
	queue.remove(next.Position)
	next.Due = r.now.Add(delay).UnixMilli()
	next.Rank = max(next.Due, r.now.UnixMilli())
	queue.add(next)
	r.schedule.Settled(r.now, next.ID, &next)
}
