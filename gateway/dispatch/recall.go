package dispatch

import (
	"context"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
)

// Hosts that were taught something and are not called leave memory, and what is saved of them is read back when they are asked
// for again (gateway/schedule/away.go): on a goroutine of its own, while other hosts go on.

// recalled is what is saved of a host that is asked for again.
type recalled struct {
	host   string
	states []persist.State
}

// recallAgain is when a store that failed is asked again.
const recallAgain = time.Second

// recall reads what is saved of hosts, once all that was handed over to be saved is.
func (d *Dispatcher) recall(ctx context.Context, hosts []string) {
	written := make(chan struct{})
	d.settler.tell(written)
	select {
	case <-written:
	case <-ctx.Done():
		return
	}
	for _, host := range hosts {
		states, err := d.set.Store.StatesOf(ctx, host)
		for err != nil {
			if ctx.Err() == nil {
				d.set.Log.Error().Err(err).Str("host", host).Msg("reading what was learned of a host failed; it is tried again")
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(recallAgain):
			}
			states, err = d.set.Store.StatesOf(ctx, host)
		}
		d.inbox.add(func(h *happened) { h.recalled = append(h.recalled, recalled{host, states}) })
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
