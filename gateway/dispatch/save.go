package dispatch

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// saveEvery is how often what lanes learned is saved, at most; a breaker's transition is saved at once.
const saveEvery = time.Second

// saveStates puts what changed into the next settlement, at most once a second; it returns when it wants to be
// called again.
func (d *Dispatcher) saveStates(now time.Time) time.Time {
	if now.Before(d.saveAt) && !d.saveNow {
		if d.schedule.Dirty() {
			return d.saveAt
		}
		return time.Time{}
	}
	if !d.schedule.Dirty() {
		d.saveNow = false
		return time.Time{}
	}
	d.saveNow, d.saveAt = false, now.Add(saveEvery)
	var states []persist.State
	d.schedule.Changed(func(l record.Lane, b *limiter.Budget) {
		state := persist.State{Lane: l, Kind: persist.LaneState}
		if b != nil {
			state.Data = encodeState(b.Snapshot(now))
		}
		states = append(states, state)
	}, func(host string, m schedule.HostMemory) {
		state := persist.State{Lane: record.Lane{Host: host}, Kind: persist.HostState}
		if m.Breaker != nil {
			state.Data = encodeState(hostState{m.Breaker.Snapshot(), *m.Dialect, m.Held, unixMs(m.HeldSince), now.UnixMilli()})
		}
		states = append(states, state)
	}, func(name schedule.FlowName, m schedule.FlowMemory) {
		states = append(states, stateOfFlow(name, m))
	})
	var marks []persist.Mark
	d.schedule.Marks(func(host string, id record.QueueID, at record.Position) {
		marks = append(marks, persist.Mark{Queue: persist.QueueRef{Part: record.PartOf(host), ID: id}, At: at})
	})
	if len(states)+len(marks) > 0 {
		d.settler.addStates(states, marks)
		d.settler.flush()
	}
	return time.Time{}
}

// hostState is what is saved of a host; of a lane it is its budget's limiter.Snapshot.
type hostState struct {
	Breaker circuit.Snapshot `json:"breaker"`
	Dialect limiter.Dialect  `json:"dialect"`
	Held    bool             `json:"held,omitempty"`
	Since   int64            `json:"held_since,omitempty"` // Unix ms; 0: it is not held, or by a release that did not say
	At      int64            `json:"at,omitempty"`         // when it was saved, Unix ms; 0: by a release that did not say
}

// stateVersion leads every saved state, before its JSON.
const stateVersion = 1

func encodeState(snapshot any) []byte {
	b, err := json.Marshal(snapshot)
	if err != nil { // plain structs of numbers and strings
		panic(fmt.Sprintf("dispatch: encoding %T: %v", snapshot, err))
	}
	return append([]byte{stateVersion}, b...)
}

// unixMs is an instant as it is saved; 0: the zero one.
func unixMs(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
