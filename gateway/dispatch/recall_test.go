package dispatch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// StatesOf returns what was settled last of each of a host's states.
func (s *shelf) StatesOf(_ context.Context, host string) (of []persist.State, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread--; s.unread >= 0 {
		return nil, errDisk
	}
	last := map[persist.StateKind]persist.State{}
	for _, st := range s.states {
		if st.Lane.Host == host {
			last[st.Kind] = st
		}
	}
	for _, st := range last {
		if len(st.Data) > 0 {
			of = append(of, st)
		}
	}
	return of, nil
}

// taught is what a lane remembers of a limit of five a minute.
func taught(at time.Time) limiter.Snapshot {
	return limiter.Snapshot{Version: limiter.SnapshotVersion, At: at.UnixMilli(), Windows: []limiter.SavedWindow{{
		Source: "X-RateLimit-*", Limit: 5, PerMs: 60_000, Declared: true, Confirmed: true, Left: limiter.Unknown,
	}}}
}

// windowsOf is how many windows are known of a host; -1: it is not in memory.
func windowsOf(t *testing.T, d *Dispatcher, host string) int {
	t.Helper()
	n := -1
	if err := d.Ask(t.Context(), func(s *schedule.Schedule, now time.Time) {
		if v, ok := s.Host(now, host); ok && len(v.Lanes) > 0 {
			n = len(v.Lanes[0].Budget.Windows)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestALearnedHostIsReadBackThoughTheStoreFailsAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		d, stop := dispatching(t, s)
		if err := d.Do(t.Context(), func(sc *schedule.Schedule, now time.Time) {
			sc.Budget(now, nowhere.Lane).Restore(taught(now), now)
			sc.Resume(now, nowhere.Lane.Host)
		}); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			time.Sleep(time.Minute)
			windowsOf(t, d, nowhere.Lane.Host) // has the loop look round
		}
		if n := windowsOf(t, d, nowhere.Lane.Host); n != -1 {
			t.Fatalf("%d windows of an idle host are in memory", n)
		}
		s.mu.Lock()
		s.fail, s.unread = 2, 2 // what is to be written first, and the read
		s.mu.Unlock()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := d.Summon(short, nowhere.Lane.Host); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("while the store fails: %v", err)
		}
		if err := d.Summon(t.Context(), nowhere.Lane.Host); err != nil {
			t.Fatal(err)
		}
		if n := windowsOf(t, d, nowhere.Lane.Host); n != 1 {
			t.Errorf("%d windows are known of it, want the one it was taught", n)
		}
		if err := d.Summon(t.Context(), "unknown.example"); err != nil {
			t.Errorf("summoning a host that nothing is known of: %v", err)
		}
		stop()
	})
}

func TestAHostThatCannotBeReadBackKeepsNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		d, stop := dispatching(t, s)
		hosts := []string{"a.example", "b.example"}
		if err := d.Do(t.Context(), func(sc *schedule.Schedule, now time.Time) {
			for _, host := range hosts {
				sc.Budget(now, record.Lane{Host: host}).Restore(taught(now), now)
				sc.Resume(now, host)
			}
		}); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			time.Sleep(time.Minute)
			windowsOf(t, d, hosts[0]) // has the loop look round
		}
		back := func() (n int) {
			for _, host := range hosts {
				n += max(0, windowsOf(t, d, host))
			}
			return n
		}
		if n := back(); n != 0 {
			t.Fatalf("%d idle hosts are in memory", n)
		}
		s.mu.Lock()
		s.unread = 1
		s.mu.Unlock()
		if err := d.Do(t.Context(), func(sc *schedule.Schedule, _ time.Time) {
			for _, host := range hosts {
				sc.Summon(host)
			}
		}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := back(); n != 1 {
			t.Errorf("%d hosts are back while one cannot be read, want the other", n)
		}
		time.Sleep(2 * recallAgain)
		if n := back(); n != len(hosts) {
			t.Errorf("%d hosts are back in the end, want both", n)
		}
		stop()
	})
}

func TestOnlyHostsThatHoldOrCountSomethingAreInMemoryAfterAStart(t *testing.T) {
	resting := hostState{Breaker: circuit.New(circuit.Config{}).Snapshot(), At: noon.UnixMilli()}
	open, held := resting, resting
	open.Breaker.State, held.Held = circuit.Open, true
	paused, used := taught(noon), taught(noon)
	paused.Pause = noon.Add(2 * time.Hour).UnixMilli()
	used.Windows[0].Used = []limiter.SavedSlot{{Until: noon.Add(2 * time.Hour).UnixMilli(), N: 3}}
	var states []persist.State
	for _, h := range []struct {
		name string
		host hostState
		lane limiter.Snapshot
	}{
		{"resting.example", resting, taught(noon)}, {"open.example", open, taught(noon)}, {"held.example", held, taught(noon)},
		{"paused.example", resting, paused}, {"used.example", resting, used}, {"lately.example", resting, taught(noon.Add(59 * time.Minute))},
	} {
		lane := record.Lane{Host: h.name}
		states = append(states, persist.State{Lane: lane, Kind: persist.HostState, Data: encodeState(h.host)},
			persist.State{Lane: lane, Kind: persist.LaneState, Data: encodeState(h.lane)})
	}
	states = append(states, persist.State{Lane: record.Lane{Host: "odd.example"}, Kind: persist.LaneState, Data: []byte("\x01?")})
	d := New(learned().set)
	now := noon.Add(time.Hour)
	d.restoreStates(states, now)
	for name, want := range map[string]bool{
		"resting.example": false, "open.example": true, "held.example": true, "paused.example": true, "used.example": true,
		"lately.example": true, "odd.example": false,
	} {
		if _, there := d.schedule.Host(now, name); there != want {
			t.Errorf("%s is in memory: %t, want %t", name, there, want)
		}
	}
	q := nowhere
	q.Lane.Host = "resting.example"
	d.schedule.Found(q.ID(), &q, record.Position{})
	if p := d.schedule.Next(now); len(p.Recall) != 1 || p.Recall[0] != "resting.example" {
		t.Errorf("%q are read back, want the host that something waits for", p.Recall)
	}
}
