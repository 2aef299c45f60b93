package dispatch

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// learned is a dispatcher whose schedule has heard of one host's limit, and seen it fail.
func learned() *Dispatcher {
	d := New(Settings{Schedule: schedule.Settings{
		Budget:  func(_ record.Lane, now time.Time) *limiter.Budget { return limiter.New(limiter.DefaultConfig(), now) },
		Breaker: func(string) *circuit.Breaker { return circuit.New(circuit.Config{MinRequests: 1}) },
	}})
	q := record.Queue{Lane: record.Lane{Host: "a.example"}, Tenant: "default", Flow: "f"}
	for n := range 2 {
		id := record.ID{15: byte(n + 1)}
		d.schedule.Committed(noon, &schedule.Fresh{Queue: q, ID: q.ID(), Entry: record.Entry{
			Position: record.Position{Rank: noon.UnixMilli(), ID: id}, Due: noon.UnixMilli(),
		}})
	}
	now := noon
	for range 2 {
		var start []schedule.Start
		for len(start) == 0 {
			now = now.Add(time.Second)
			start = d.schedule.Next(now).Start
		}
		received := now.Add(20 * time.Millisecond)
		d.schedule.Ended(received, &schedule.End{
			ID: start[0].Entry.ID, Permit: start[0].Permit, Health: circuit.Failure,
			Seen: limiter.Observation{Sent: now, Received: received, Status: 500, Hint: &limiter.Hint{N: 1, Windows: [limiter.MaxWindows]limiter.Window{{
				Limit: 100, Remaining: 42, HasReset: true, ResetAt: received.Add(30 * time.Second), ResetRaw: 30,
				ResetForm: limiter.DeltaSeconds, Reset: limiter.Interval{Lo: now.Add(29 * time.Second), Hi: received.Add(30 * time.Second)},
				Unit: limiter.UnitRequests, Source: "X-RateLimit-*",
			}}}},
		})
		if start[0].Permit != (circuit.Permit{}) && d.schedule.Breaker("a.example").State() == circuit.Open {
			break
		}
	}
	return d
}

func TestSavedStatesKeepTheirForm(t *testing.T) {
	d := learned()
	var lane, host []byte
	d.schedule.Changed(func(_ record.Lane, b *limiter.Budget) {
		lane = encodeState(b.Snapshot(noon.Add(2 * time.Second)))
	}, func(_ string, m schedule.HostMemory) {
		host = encodeState(hostState{m.Breaker.Snapshot(), *m.Dialect, m.Held, 0, 0})
	}, func(schedule.FlowName, schedule.FlowMemory) {})
	for name, got := range map[string][]byte{"lane.golden": lane, "host.golden": host} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != string(got) {
			t.Errorf("%s: got\n%q\nwant\n%q (%v)", name, got, want, err)
		}
	}
}

func TestWhatWasSavedIsThereAfterARestart(t *testing.T) {
	d := learned()
	for name, kind := range map[string]persist.StateKind{
		"lane.golden": persist.LaneState, "host.golden": persist.HostState, "host-v1.golden": persist.HostState,
	} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		fresh := New(d.set)
		lane := record.Lane{Host: "a.example"}
		if err := fresh.restoreState(&persist.State{Lane: lane, Kind: kind, Data: data}, noon.Add(3*time.Second), false); err != nil {
			t.Fatal(err)
		}
		switch kind {
		case persist.LaneState:
			v := fresh.schedule.Budget(noon, lane).View(noon.Add(3 * time.Second))
			if len(v.Windows) != 1 || v.Windows[0].Limit != 100 || math.IsInf(v.Rate, 0) {
				t.Errorf("the limit is not known any more: %+v", v)
			}
		case persist.HostState:
			if got := fresh.schedule.Breaker("a.example").State(); got != circuit.Open {
				t.Errorf("the breaker is %s, was open", got)
			}
		}
	}
}

func TestUnreadableStatesAreRefusedNotBelieved(t *testing.T) {
	d := learned()
	for _, data := range [][]byte{nil, {}, {9}, []byte("\x01{"), []byte("\x02{}")} {
		for _, kind := range []persist.StateKind{persist.LaneState, persist.HostState} {
			s := persist.State{Lane: record.Lane{Host: "b.example"}, Kind: kind, Data: data}
			if err := d.restoreState(&s, noon, false); err == nil {
				t.Errorf("state %q of kind %d was believed", data, kind)
			}
		}
	}
}

func TestWhatWasLearnedAndNotUsedForThirtyDaysIsForgotten(t *testing.T) {
	at := noon.UnixMilli()
	used := []limiter.SavedSlot{{Until: noon.Add(40 * 24 * time.Hour).UnixMilli(), N: 1}}
	lane := record.Lane{Host: "a.example"}
	for _, c := range []struct {
		name   string
		kind   persist.StateKind
		state  any
		after  time.Duration
		forgot bool
	}{
		{"a lane", persist.LaneState, limiter.Snapshot{Version: 1, At: at}, 31 * 24 * time.Hour, true},
		{"a lane, sooner", persist.LaneState, limiter.Snapshot{Version: 1, At: at}, 29 * 24 * time.Hour, false},
		{"a lane whose calls count", persist.LaneState, limiter.Snapshot{
			Version: 1, At: at, Windows: []limiter.SavedWindow{{Limit: 10, PerMs: 1000, Used: used}},
		}, 31 * 24 * time.Hour, false},
		{"a host", persist.HostState, hostState{Breaker: circuit.New(circuit.Config{}).Snapshot(), At: at}, 31 * 24 * time.Hour, true},
		{"a held host", persist.HostState, hostState{Breaker: circuit.New(circuit.Config{}).Snapshot(), Held: true, At: at}, 31 * 24 * time.Hour, false},
		{"a host of an older release", persist.HostState, hostState{Breaker: circuit.New(circuit.Config{}).Snapshot()}, 31 * 24 * time.Hour, false},
	} {
		d := New(learned().set)
		s := persist.State{Lane: lane, Kind: c.kind, Data: encodeState(c.state)}
		if err := d.restoreState(&s, noon.Add(c.after), false); err != nil {
			t.Fatal(err)
		}
		if _, known := d.schedule.Host(noon, lane.Host); known == c.forgot {
			t.Errorf("%s: known after the start: %t", c.name, known)
		}
		if forgets := len(d.settler.next.States) == 1 && d.settler.next.States[0].Data == nil; forgets != c.forgot {
			t.Errorf("%s: the store is told to forget it: %t", c.name, forgets)
		}
	}
}
