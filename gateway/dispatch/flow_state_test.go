package dispatch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

var flow = schedule.FlowName{Tenant: "default", Flow: "f"}

func TestAHeldFlowAndItsCancellationAreThereAfterARestart(t *testing.T) {
	upTo := record.ID{15: 9}
	st := stateOfFlow(flow, schedule.FlowMemory{Held: true, CancelUpTo: upTo, Cancelled: 3})
	d := New(learned().set)
	if err := d.restoreState(&st, noon, false); err != nil {
		t.Fatal(err)
	}
	if v, ok := d.schedule.Flow(flow); !ok || !v.Held || !v.Cancelling || v.Cancelled != 3 {
		t.Errorf("the flow stands as %+v", v)
	}
	want := "\x01" + `{"tenant":"default","flow":"f","held":true,"cancel_up_to":"00000000000000000000000009","cancelled":3}`
	if string(st.Data) != want {
		t.Errorf("saved as %q, an earlier release wrote %q", st.Data, want)
	}
	if gone := stateOfFlow(flow, schedule.FlowMemory{}); gone.Data != nil || gone.Lane != st.Lane {
		t.Errorf("of a flow that nothing is to be kept of, %+v is kept", gone)
	}
}

func TestAFlowsStateOfAnotherNameIsRefused(t *testing.T) {
	st := stateOfFlow(flow, schedule.FlowMemory{Held: true})
	st.Lane.Key[0]++
	for _, bad := range []persist.State{
		st,
		{Lane: flowKey(flow), Kind: persist.FlowState, Data: []byte("\x01{")},
		{Lane: flowKey(flow), Kind: persist.FlowState, Data: []byte("\x01" + `{"tenant":"default","flow":"f","cancel_up_to":"x"}`)},
	} {
		d := New(learned().set)
		if err := d.restoreState(&bad, noon, false); err == nil {
			t.Errorf("state %q was believed", bad.Data)
		}
		if _, known := d.schedule.Flow(flow); known {
			t.Errorf("state %q was refused and believed", bad.Data)
		}
	}
}

func TestACancelledFlowIsWrittenAsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		e.Due += time.Hour.Milliseconds()
		s := &shelf{payloads: map[record.ID][]byte{e.ID: payload()}}
		d, stop := dispatching(t, s)
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
		if err := d.Do(context.Background(), func(s *schedule.Schedule, now time.Time) { s.CancelFlow(now, flow, e.ID) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		all := s.all()
		if len(all) != 1 || all[0].Final == nil || all[0].Final.State != record.Cancelled || all[0].Final.Reason == "" || all[0].Attempt != nil {
			t.Errorf("settled %+v; want it cancelled, with a reason and without an attempt", all)
		}
		time.Sleep(2 * time.Second)
		saved := s.saved()
		if n := len(saved); n == 0 || saved[n-1].Kind != persist.FlowState || saved[n-1].Data != nil {
			t.Errorf("saved %+v; want that the cancellation is done", saved)
		}
		stop()
	})
}
