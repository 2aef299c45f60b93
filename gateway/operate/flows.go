package operate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/jobs"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// flows answers the front door's questions about callers' streams of webhooks, and is the operator's hand on them.
type flows struct {
	commands
	counter *counter
	jobs    *jobs.Runner
	lastID  func() record.ID // persist.Store's LastID
	most    int              // that may be held
	log     zerolog.Logger
	// begun are the cancellations that jobs of this process find begun, or about to be: flowCancel -> chan bool.
	begun *sync.Map
}

// newFlows returns the hand on flows, and has jobs know what a cancellation is.
func newFlows(c commands, n *counter, set *Settings) flows {
	f := flows{c, n, set.Jobs, set.Store.LastID, set.MostHeld.Flows, set.Log, new(sync.Map)}
	set.Jobs.Handle(flowCancelKind, jobs.Kind{Run: f.cancelling, Watches: true, Flow: cancelledFlow})
	return f
}

// Flows is front.Flows'. As of hosts, only those of the page are looked at.
func (f flows) Flows(
	ctx context.Context, tenant, flow string, limit int, wanted func(tenant, flow string) bool,
) (page []front.FlowView, more bool, err error) {
	after := schedule.FlowName{Tenant: tenant, Flow: flow}
	var names []schedule.FlowName
	err = f.ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		s.FlowNames(func(name schedule.FlowName) {
			if after == (schedule.FlowName{}) || compareFlows(name, after) > 0 {
				names = append(names, name)
			}
		})
	})
	if err != nil {
		return nil, false, err
	}
	names, more = firstOf(names, limit, compareFlows, func(n schedule.FlowName) bool { return wanted(n.Tenant, n.Flow) })
	err = f.ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		for _, name := range names {
			if v, ok := s.Flow(name); ok {
				page = append(page, shownFlow(&v))
			}
		}
	})
	return page, more, err
}

func compareFlows(a, b schedule.FlowName) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Flow, b.Flow))
}

// Flow returns one flow, nil when nothing is known of it. What waits of it on disk is counted.
func (f flows) Flow(ctx context.Context, tenant, flow string) (view *front.FlowView, err error) {
	name := schedule.FlowName{Tenant: tenant, Flow: flow}
	var behind []schedule.Behind
	err = f.ask(ctx, func(s *schedule.Schedule, _ time.Time) { behind = s.BehindOfFlow(name, countedQueues) })
	if err != nil {
		return nil, err
	}
	counts := f.counter.count(ctx, "flow "+tenant+"\x00"+flow, behind)
	err = f.ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		if v, ok := s.FlowCounted(name, counts); ok {
			shown := shownFlow(&v)
			view = &shown
		}
	})
	return view, err
}

func shownFlow(f *schedule.FlowView) front.FlowView {
	v := front.FlowView{
		Tenant: f.Name.Tenant, Flow: f.Name.Flow, State: front.FlowSending, Waiting: f.Waiting, More: f.More,
		InFlight: f.InFlight, Cancelled: f.Cancelled, OldestAt: acceptedAt(f.Oldest), HeldSince: front.Instant{Time: f.HeldSince},
	}
	switch {
	case f.Cancelling:
		v.State = front.FlowCancelling
	case f.Held, f.Suspended:
		v.State = front.FlowHeld
	}
	return v
}

// HoldFlow holds a flow until ResumeFlow, also one that nothing is known of yet.
func (f flows) HoldFlow(ctx context.Context, tenant, flow string) (*front.FlowView, error) {
	hold := func(s *schedule.Schedule, now time.Time, name schedule.FlowName) (bool, error) {
		if v, _ := s.Flow(name); !v.Held {
			if held, _ := s.Holds(); held >= f.most {
				return false, &front.TooManyHeldError{What: "flows", Most: f.most}
			}
			s.HoldFlow(now, name)
		}
		return true, nil
	}
	return f.changeFlow(ctx, tenant, flow, "flow paused by an operator", hold)
}

// ResumeFlow ends a HoldFlow.
func (f flows) ResumeFlow(ctx context.Context, tenant, flow string) (*front.FlowView, error) {
	resume := func(s *schedule.Schedule, now time.Time, name schedule.FlowName) (bool, error) {
		return s.ResumeFlow(now, name), nil
	}
	return f.changeFlow(ctx, tenant, flow, "flow resumed by an operator", resume)
}

// changeFlow does something to one flow, which reports whether it is known, and returns it as it stands once that is durable; nil
// when nothing is known of it.
func (f flows) changeFlow(
	ctx context.Context, tenant, flow, did string, do func(*schedule.Schedule, time.Time, schedule.FlowName) (known bool, err error),
) (*front.FlowView, error) {
	ctx, cancel := context.WithTimeout(ctx, handTimeout)
	defer cancel()
	name := schedule.FlowName{Tenant: tenant, Flow: flow}
	var view *front.FlowView
	var refused error
	err := f.do(ctx, func(s *schedule.Schedule, now time.Time) {
		var known bool
		if known, refused = do(s, now, name); refused != nil {
			return
		}
		v, still := s.Flow(name)
		switch {
		case still:
			shown := shownFlow(&v)
			view = &shown
		case known: // nothing was left of it but what has just ended
			view = &front.FlowView{Tenant: tenant, Flow: flow, State: front.FlowSending}
		}
	})
	if err == nil && view != nil {
		f.log.Info().Str("tenant", tenant).Str("flow", flow).Msg(did)
		err = f.sync(ctx)
	}
	if err = cmp.Or(refused, err); err != nil {
		return nil, fmt.Errorf("flow %s of tenant %s: %w", flow, tenant, err)
	}
	return view, nil
}

// flowCancelKind names the jobs that cancel a flow.
const flowCancelKind = "flow-cancel"

// flowCancel is what such a job was begun with.
type flowCancel struct {
	Tenant string `json:"tenant"`
	Flow   string `json:"flow"`
	UpTo   string `json:"up_to"` // the id at or before which webhooks end; those accepted later go on
}

// cancelledFlow says which flow such a job is about.
func cancelledFlow(spec json.RawMessage) string {
	var of flowCancel
	_ = json.Unmarshal(spec, &of) // unreadable: the job fails, and says so
	return of.Flow
}

// CancelFlow begins a job that ends everything of a flow that was accepted until now. The flow is cancelled when it returns,
// however many jobs are before this one: a job is to tell how far it came, and to go on where a crash comes first.
func (f flows) CancelFlow(ctx context.Context, tenant, flow string) (*front.JobView, error) {
	upTo := f.lastID()
	spec, begun := flowCancel{tenant, flow, upTo.String()}, make(chan bool, 1)
	f.begun.Store(spec, begun)
	view, _, err := f.jobs.Begin(jobs.Order{Kind: flowCancelKind, Tenant: tenant, Spec: spec})
	if err != nil {
		f.begun.Delete(spec)
		return nil, err
	}
	name := schedule.FlowName{Tenant: tenant, Flow: flow}
	err = f.do(ctx, func(s *schedule.Schedule, now time.Time) { s.CancelFlow(now, name, upTo) })
	begun <- err == nil
	if err != nil {
		return nil, fmt.Errorf("cancelling flow %s of tenant %s: %w", flow, tenant, err)
	}
	f.log.Info().Str("tenant", tenant).Str("flow", flow).Str("job", view.ID).Msg("flow being cancelled by an operator")
	return &view, nil
}

// cancelLook is how often a job looks how far a cancellation has come.
const cancelLook = 100 * time.Millisecond

// cancelling is the work of such a job. The schedule does it, and goes on over a restart by itself; so does the job, which
// only watches, and whose own cancellation therefore brings nothing back.
func (f flows) cancelling(ctx context.Context, t *jobs.Task) error {
	var spec flowCancel
	if err := t.Spec(&spec); err != nil {
		return err
	}
	upTo, err := record.ParseID(spec.UpTo)
	if err != nil {
		return fmt.Errorf("up to which webhook flow %s is cancelled: %w", spec.Flow, err)
	}
	name := schedule.FlowName{Tenant: spec.Tenant, Flow: spec.Flow}
	done := false
	if begun, ok := f.begun.LoadAndDelete(spec); ok {
		done = <-begun.(chan bool)
	}
	if !done { // a crash, or a shutdown, came first
		if err := f.do(ctx, func(s *schedule.Schedule, now time.Time) { s.CancelFlow(now, name, upTo) }); err != nil {
			return err
		}
	}
	if err := f.sync(ctx); err != nil {
		return err
	}
	total := f.toCancel(ctx, name)
	noted := !done // by the process before this one
	look := time.NewTicker(cancelLook)
	defer look.Stop()
	for {
		var v schedule.FlowView
		known := false
		if err := f.ask(ctx, func(s *schedule.Schedule, _ time.Time) { v, known = s.Flow(name) }); err != nil {
			return err
		}
		if known || !noted { // nothing may wait of it at all: then none is cancelled
			noted = true
			done := int64(v.Cancelled)
			if total >= 0 { // what was counted may have been a little less by then, or ended otherwise
				total = max(total, done)
			}
			if !v.Cancelling {
				total = done
			}
			if err := t.Note(done, total, nil); err != nil {
				return err
			}
		}
		if !known || !v.Cancelling {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// toCancel is about how many a cancellation that is under way ends from its begin to its end; negative: they are too many to count.
func (f flows) toCancel(ctx context.Context, name schedule.FlowName) int64 {
	var v schedule.FlowView
	var behind []schedule.Behind
	err := f.ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		v, _ = s.Flow(name)
		behind = s.BehindOfFlow(name, countedQueues)
	})
	if err != nil || len(behind) == countedQueues {
		return -1
	}
	total := v.Cancelled + v.Ending + v.Waiting
	counts := f.counter.count(ctx, "what ends of flow "+name.Tenant+"\x00"+name.Flow, behind)
	for _, b := range behind {
		n, ok := counts[b.Queue]
		if !ok {
			return -1
		}
		total += n - b.InMemory
	}
	return int64(total)
}
