package dispatch

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// flowState is what is saved of a flow while there is something to be remembered. CancelUpTo is empty where no
// cancellation is under way.
type flowState struct {
	Tenant     string `json:"tenant"`
	Flow       string `json:"flow"`
	Held       bool   `json:"held,omitempty"`
	Since      int64  `json:"held_since,omitempty"` // Unix ms; 0: it is not held, or by a release that did not say
	CancelUpTo string `json:"cancel_up_to,omitempty"`
	Cancelled  int    `json:"cancelled,omitempty"`
}

// flowKey is where a flow's state is kept: it is of no host, so the tenant stands for one, and a digest of its name for the
// lane's key.
func flowKey(name schedule.FlowName) record.Lane {
	sum := sha256.Sum256([]byte(name.Flow))
	return record.Lane{Host: name.Tenant, Key: record.Digest(sum[:16])}
}

// stateOfFlow is what is written of a flow: its state, or that there is none any more.
func stateOfFlow(name schedule.FlowName, m schedule.FlowMemory) persist.State {
	st := persist.State{Lane: flowKey(name), Kind: persist.FlowState}
	if m == (schedule.FlowMemory{}) {
		return st
	}
	of := flowState{Tenant: name.Tenant, Flow: name.Flow, Held: m.Held, Since: unixMs(m.HeldSince), Cancelled: m.Cancelled}
	if m.CancelUpTo != (record.ID{}) {
		of.CancelUpTo = m.CancelUpTo.String()
	}
	st.Data = encodeState(of)
	return st
}

func (d *Dispatcher) restoreFlow(s *persist.State) error {
	var of flowState
	if err := json.Unmarshal(s.Data[1:], &of); err != nil {
		return fmt.Errorf("state of a flow of tenant %q: %w", s.Lane.Host, err)
	}
	name := schedule.FlowName{Tenant: of.Tenant, Flow: of.Flow}
	if flowKey(name) != s.Lane {
		return fmt.Errorf("state of a flow of tenant %q: it is another's, %q of %q", s.Lane.Host, of.Flow, of.Tenant)
	}
	m := schedule.FlowMemory{Held: of.Held, HeldSince: instantOf(of.Since), Cancelled: of.Cancelled}
	if of.CancelUpTo != "" {
		id, err := record.ParseID(of.CancelUpTo)
		if err != nil {
			return fmt.Errorf("state of flow %q of tenant %q: cancel_up_to: %w", of.Flow, of.Tenant, err)
		}
		m.CancelUpTo = id
	}
	d.schedule.RestoreFlow(name, m)
	return nil
}
