package schedule

import (
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/persist/record"
)

// FlowRule is what a flow is given beside what its lanes allow.
type FlowRule struct {
	Weight      float64 // of its turns in each lane, against other flows of its priority; 0: 1
	Rate        float64 // calls per second on all hosts together; 0: any
	Concurrency int     // calls under way at once, on all hosts together; 0: any
	// Suspended: nothing of it starts, as with HoldFlow, until the rule says otherwise. It is not saved: whoever states the
	// rule knows it after a restart.
	Suspended bool
}

// TenantRule is what all flows of a tenant are given together.
type TenantRule struct {
	Rate float64 // calls per second on all hosts together; 0: any
}

// tenant is what its flows share.
type tenant struct {
	name  string
	gate  flowGate
	flows int
}

// FlowName names a flow: a tenant's stream of webhooks, across all hosts.
type FlowName struct {
	Tenant, Flow string
}

// flow is a tenant's stream of webhooks across all lanes: what an operator holds, and what may have a rate of its own.
type flow struct {
	name   FlowName
	shares []*share // one for each lane and priority at which it has queues

	tenant *tenant
	weight float64 // above 0
	gate   flowGate
	held   bool // by an operator
	// suspended: by its rule.
	suspended bool
	cancel    cancellation
	dirty     bool

	heldSince time.Time // zero: it is not, or by a release that did not say
}

// share is a flow's place in one lane at one priority: what takes turns with the other flows of that lane.
//
// Invariant: it is among its class's shares when, and only when, something in ready may have a turn: its flow is not
// stopped, and it does not wait at a gate and is not aside.
type share struct {
	flow     *flow
	lane     *lane
	priority record.Priority
	queues   []*queue     // alive
	line     *queue       // of callers; nil: none, see Line
	ready    fifo[*queue] // whose head is due
	turn     turn
	gate     *flowGate     // at which it waits; nil: none
	aside    bool          // in lane.aside: it is none of the class's
	pace     *circuit.Pace // while its part of the host comes back by itself; nil: it did not yet
	inFlow   int           // its place in flow.shares
	inLane   int           // its place in lane.shares
	busy     int           // queues with something to do
}

// shareKey is what tells the shares of a lane apart.
type shareKey struct {
	flow     FlowName
	priority record.Priority
}

func (sh *share) key() shareKey { return shareKey{sh.flow.name, sh.priority} }

// flow returns a flow, known or new.
func (s *Schedule) flow(name FlowName) *flow {
	f := s.flows[name]
	if f == nil {
		t := s.tenants[name.Tenant]
		if t == nil {
			t = &tenant{name: name.Tenant}
			t.gate.set(s.set.Tenant(t.name).Rate, 0, time.Time{})
			s.tenants[t.name] = t
		}
		t.flows++
		f = &flow{name: name, tenant: t}
		s.ruleFlow(f, time.Time{})
		s.flows[name] = f
	}
	return f
}

// share returns a flow's share of a lane, known or new.
func (s *Schedule) share(l *lane, name FlowName, p record.Priority) *share {
	key := shareKey{name, p}
	sh := l.shares.find(key)
	if sh == nil {
		f := s.flow(name)
		sh = &share{flow: f, lane: l, priority: p, inFlow: len(f.shares)}
		f.shares = append(f.shares, sh)
		l.shares.add(sh)
	}
	return sh
}

// join notes a queue of the share; leave that it is forgotten, and the share with its last one.
func (sh *share) join(q *queue) {
	q.inShare = int32(len(sh.queues)) //nolint:gosec // of a flow in a lane: memory ends before
	sh.queues = append(sh.queues, q)
}

func (s *Schedule) leave(q *queue) {
	sh := q.share
	if q == sh.line {
		sh.line = nil
	}
	last := len(sh.queues) - 1
	sh.queues[q.inShare] = sh.queues[last]
	sh.queues[q.inShare].inShare = q.inShare
	sh.queues[last] = nil
	sh.queues = sh.queues[:last]
	if last > 0 {
		return
	}
	sh.lane.shares.remove(sh)
	f := sh.flow
	last = len(f.shares) - 1
	f.shares[sh.inFlow] = f.shares[last]
	f.shares[sh.inFlow].inFlow = sh.inFlow
	f.shares = slices.Delete(f.shares, last, last+1)
	s.forgetFlow(f)
}

// forgetFlow forgets a flow of which nothing is left to know.
func (s *Schedule) forgetFlow(f *flow) {
	if len(f.shares) > 0 || f.dirty || f.lasting() {
		return
	}
	delete(s.flows, f.name)
	if f.tenant.flows--; f.tenant.flows == 0 {
		delete(s.tenants, f.tenant.name)
	}
}

// lasting reports whether something is known of the flow that has to outlive it.
func (f *flow) lasting() bool { return f.held || f.cancel.running() }

func (s *Schedule) touchFlow(f *flow) {
	if !f.dirty {
		f.dirty = true
		s.changedFlows = append(s.changedFlows, f)
	}
}
