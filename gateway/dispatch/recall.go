package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
)

// Hosts that were taught something and are not called leave memory, and what is saved of them is read back when they are asked
// for again (gateway/schedule/away.go): on one goroutine for all of them, while other hosts go on.

// recalled is what is saved of a host that is asked for again.
type recalled struct {
	host   string
	states []persist.State
}

// recallAgain is when a store that failed is asked again.
const recallAgain = time.Second

// recalling are the hosts that are asked for again and not read yet. One goroutine reads them, while there are any.
type recalling struct {
	mu    sync.Mutex
	hosts []string
	reads bool
}

// recall has what is saved of hosts read.
func (d *Dispatcher) recall(ctx context.Context, hosts ...string) {
	r := &d.recalling
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hosts = append(r.hosts, hosts...)
	if !r.reads {
		r.reads = true
		d.beside.run(func() { d.readRecalled(ctx) })
	}
}

// take returns the hosts to be read now; none: whoever asked is to end.
func (r *recalling) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	hosts := r.hosts
	r.hosts, r.reads = nil, len(hosts) > 0
	return hosts
}

// readRecalled reads what is saved of hosts, once all that was handed over to be saved is. One that cannot be read is read again
// later, and no other waits for it.
func (d *Dispatcher) readRecalled(ctx context.Context) {
	for hosts := d.recalling.take(); len(hosts) > 0; hosts = d.recalling.take() {
		written := make(chan struct{})
		d.settler.tell(written)
		select {
		case <-written:
		case <-ctx.Done():
			return
		}
		for _, host := range hosts {
			states, err := d.set.Store.StatesOf(ctx, host)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				d.set.Log.Error().Err(err).Str("host", host).Msg("reading what was learned of a host failed; it is tried again")
				time.AfterFunc(recallAgain, func() { d.recall(ctx, host) })
			default:
				d.inbox.add(func(h *happened) { h.recalled = append(h.recalled, recalled{host, states}) })
			}
		}
	}
}

// hostRecalled takes up what was saved of a host, and tells who waits for it.
func (d *Dispatcher) hostRecalled(r *recalled, now time.Time) {
	rested := d.schedule.Rested(r.host)
	for i := range r.states {
		d.takeUp(&r.states[i], now, rested)
	}
	d.schedule.Recalled(r.host)
	for _, there := range d.summoned[r.host] {
		close(there)
	}
	delete(d.summoned, r.host)
}

// Summon has all that is known of a host in memory when it returns: for questions and changes that name it.
func (d *Dispatcher) Summon(ctx context.Context, host string) error {
	there := make(chan struct{})
	err := d.Ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		if s.Summon(host) {
			close(there)
			return
		}
		d.summoned[host] = append(d.summoned[host], there)
	})
	if err != nil {
		return err
	}
	select {
	case <-there:
		return nil
	case <-d.stopped:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}
