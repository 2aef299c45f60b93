package schedule_test

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// begun is a call, and when it began.
type begun struct {
	host string
	id   record.ID
	at   time.Time
}

// crowd is a schedule before hosts of many kinds, by the last letter of their names: a is unlimited, b goes at a fixed rate,
// c explores, d tells its limit, e refuses, f has a day's allowance, g fails.
type crowd struct {
	s     *schedule.Schedule
	now   time.Time
	ends  ends
	calls []begun
	gone  int // lanes and hosts of which the store was told to forget
	most  int // hosts known at once
	seen  map[string]int

	// what is saved, and how often it was taken up again
	lanes    map[record.Lane]limiter.Snapshot
	hosts    map[string]savedHost
	recalled int
}

// savedHost is what is saved of a host.
type savedHost struct {
	breaker circuit.Snapshot
	dialect limiter.Dialect
	held    bool
	at      time.Time
}

func newCrowd() *crowd {
	return &crowd{now: epoch, seen: map[string]int{}, lanes: map[record.Lane]limiter.Snapshot{}, hosts: map[string]savedHost{}, s: schedule.New(schedule.Settings{
		Budget: func(l record.Lane, now time.Time) *limiter.Budget {
			cfg := limiter.DefaultConfig()
			switch l.Host[len(l.Host)-1] {
			case 'a':
				cfg.Start = math.Inf(1)
			case 'b':
				cfg.Fixed = 3
			case 'f':
				cfg.Windows = []limiter.Rule{{N: 40, Per: 24 * time.Hour}}
			}
			return limiter.New(cfg, now)
		},
		Breaker: func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) },
	})}
}

// answer is what a host answers to its n-th call.
func (c *crowd) answer(st *schedule.Start, began time.Time) *schedule.End {
	host := st.Lane.Host
	n := c.seen[host]
	c.seen[host]++
	e := &schedule.End{ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Success, Seen: limiter.Observation{
		Sent: began, Received: c.now, Status: 200,
	}}
	switch host[len(host)-1] {
	case 'd':
		hint := &limiter.Hint{N: 1}
		hint.Windows[0] = limiter.Window{
			Limit: 5, Remaining: 4, HasReset: true, ResetAt: c.now.Add(time.Minute), ResetRaw: 60, ResetForm: limiter.DeltaSeconds,
			Reset: limiter.Interval{Lo: c.now.Add(time.Minute), Hi: c.now.Add(time.Minute)}, Unit: limiter.UnitRequests, Source: "X-RateLimit-*",
		}
		e.Seen.Hint = hint
	case 'e':
		if n%7 == 6 {
			e.Seen.Status = 429
		}
	case 'g':
		if n/25%2 == 0 {
			e.Seen.Status, e.Health = 500, circuit.Failure
		}
	}
	return e
}

// until lets time pass.
func (c *crowd) until(t time.Time) {
	for {
		p := c.s.Next(c.now)
		for _, st := range p.Start {
			c.calls = append(c.calls, begun{st.Lane.Host, st.Entry.ID, c.now})
			heap.Push(&c.ends, end{c.now.Add(20 * time.Millisecond), st, c.now})
		}
		recall := slices.Clone(p.Recall)
		c.save()
		if len(recall) > 0 {
			c.recall(recall)
			continue
		}
		hosts, _ := c.s.Known()
		c.most = max(c.most, hosts)
		next := t
		if !p.Wake.IsZero() && p.Wake.Before(next) {
			next = p.Wake
		}
		if len(c.ends) > 0 && c.ends[0].at.Before(next) {
			next = c.ends[0].at
		}
		if next.After(c.now) {
			c.now = next
		}
		for len(c.ends) > 0 && !c.ends[0].at.After(c.now) {
			e := heap.Pop(&c.ends).(end) //nolint:forcetypeassert // nothing else is in it
			c.s.Ended(c.now, c.answer(&e.start, e.began))
			c.s.Settled(c.now, e.start.Entry.ID, nil)
		}
		if !c.now.Before(t) {
			return
		}
	}
}

// save keeps what changed.
func (c *crowd) save() {
	c.s.Changed(func(l record.Lane, b *limiter.Budget) {
		if b == nil {
			c.gone++
			delete(c.lanes, l)
			return
		}
		c.lanes[l] = b.Snapshot(c.now)
	}, func(name string, m schedule.HostMemory) {
		if m.Breaker == nil {
			c.gone++
			delete(c.hosts, name)
			return
		}
		c.hosts[name] = savedHost{m.Breaker.Snapshot(), *m.Dialect, m.Held, c.now}
	}, func(schedule.FlowName, schedule.FlowMemory) {})
}

// recall takes up what was saved of hosts.
func (c *crowd) recall(names []string) {
	for _, name := range names {
		c.recalled++
		lane := record.Lane{Host: name}
		if c.now.Sub(c.hosts[name].at) > schedule.Remembered {
			delete(c.lanes, lane)
			delete(c.hosts, name)
			c.s.Recalled(name)
			continue
		}
		if saved, ok := c.lanes[lane]; ok && c.s.Rested(name) {
			c.s.Budget(c.now, lane).Return(saved, c.now)
		} else if ok {
			c.s.Budget(c.now, lane).Restore(saved, c.now)
		}
		h := c.hosts[name]
		c.s.Breaker(name).Restore(h.breaker, c.now)
		*c.s.Dialect(name) = h.dialect
		if h.held {
			c.s.HoldHost(c.now, name)
		}
		c.s.Recalled(name)
	}
}

// run sends bursts to hosts of all kinds, with pauses between them that are short, and long enough to be forgotten in.
func (c *crowd) run(seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for n := 0; n < 1500; {
		host := fmt.Sprintf("h%d.%c", rnd.IntN(3), 'a'+rune(rnd.IntN(7)))
		for range 1 + rnd.IntN(12) {
			c.s.Committed(c.now, fresh(queueOf(host, fmt.Sprintf("f%d", rnd.IntN(3))), n, c.now))
			n++
		}
		pause := time.Duration(rnd.Int64N(int64(3 * time.Second)))
		switch rnd.IntN(12) {
		case 0:
			pause = time.Duration(rnd.Int64N(int64(2 * time.Hour)))
		case 1:
			pause = 20 * time.Hour
		}
		c.until(c.now.Add(pause))
	}
	c.until(c.now.Add(10 * 24 * time.Hour))
}

// byHost returns the calls of each host in their order.
func (c *crowd) byHost() map[string][]begun {
	calls := map[string][]begun{}
	for _, b := range c.calls {
		calls[b.host] = append(calls[b.host], b)
	}
	return calls
}

// TestEvictionChangesNoDecision holds hosts that leave memory and come back against hosts that stay: all their calls begin in the
// same order, none sooner, and none later but for the round trips that are measured anew.
func TestEvictionChangesNoDecision(t *testing.T) {
	const measuring = 5 * 20 * time.Millisecond
	for seed := range uint64(8) {
		kept, evicted := newCrowd(), newCrowd()
		kept.s.EvictNever()
		evicted.s.EvictAtOnce()
		kept.run(seed)
		evicted.run(seed)
		if evicted.gone == 0 || evicted.recalled == 0 {
			t.Errorf("seed %d: %d were forgotten, %d were away and came back", seed, evicted.gone, evicted.recalled)
		}
		got := evicted.byHost()
		for host, want := range kept.byHost() {
			if len(want) != len(got[host]) {
				t.Fatalf("seed %d: %d calls of %s, with eviction %d", seed, len(want), host, len(got[host]))
			}
			for i, b := range want {
				if late := got[host][i].at.Sub(b.at); got[host][i].id != b.id || late < 0 || late > measuring {
					t.Fatalf("seed %d: call %d of %s differs: %v, with eviction %v", seed, i, host, b, got[host][i])
				}
			}
		}
	}
}

func TestIdleHostsLeaveMemoryHoweverManyThereWere(t *testing.T) {
	c := newCrowd()
	const hosts = 20_000
	for n := range hosts {
		c.s.Committed(c.now, fresh(queueOf(fmt.Sprintf("h%d.a", n), "f"), n, c.now))
		if n%100 == 0 {
			c.until(c.now.Add(time.Second))
		}
	}
	if c.most != hosts && c.most < 5000 {
		t.Errorf("%d hosts were known at once", c.most)
	}
	for range 30 {
		c.until(c.now.Add(time.Minute))
	}
	if left, lanes := c.s.Known(); left+lanes != 0 || len(c.calls) != hosts {
		t.Errorf("%d hosts and %d lanes are left half an hour after %d calls", left, lanes, len(c.calls))
	}
}

func TestWhatWasTaughtIsRememberedForThirtyDays(t *testing.T) {
	c := newCrowd()
	c.s.Committed(c.now, fresh(queueOf("h.d", "f"), 0, c.now))
	c.s.HoldHost(c.now, "held.a")
	for range 29 * 24 {
		c.until(c.now.Add(time.Hour))
	}
	if _, ok := c.s.Host(c.now, "h.d"); ok {
		t.Error("a host that was called a month ago is in memory")
	}
	if c.s.Summon("h.d") {
		t.Error("it is there before what is saved of it was read")
	}
	c.until(c.now.Add(time.Second))
	if v, ok := c.s.Host(c.now, "h.d"); !ok || len(v.Lanes) != 1 || len(v.Lanes[0].Budget.Windows) != 1 {
		t.Fatalf("after 29 days the host stands as %+v", v)
	}
	for range 31 * 24 {
		c.until(c.now.Add(time.Hour))
	}
	if c.s.Summon("h.d"); len(c.lanes)+len(c.hosts) != 1 {
		t.Errorf("saved are %v and %v a month later, want the held host only", c.lanes, c.hosts)
	}
	if _, ok := c.s.Host(c.now, "held.a"); !ok {
		t.Error("a held host was forgotten")
	}
}

func TestALearnedHostLeavesMemoryAndNothingStartsBeforeItIsBack(t *testing.T) {
	c := newCrowd()
	for n := range 5 { // its limit of a minute
		c.s.Committed(c.now, fresh(queueOf("h.d", "f"), n, c.now))
	}
	for range 30 {
		c.until(c.now.Add(time.Minute))
	}
	if hosts, lanes := c.s.Known(); hosts+lanes != 0 {
		t.Fatalf("%d hosts and %d lanes are in memory half an hour after the last call", hosts, lanes)
	}
	for n := range 12 {
		c.s.Committed(c.now, fresh(queueOf("h.d", "f"), 10+n, c.now))
	}
	c.s.HoldHost(c.now, "other.a")
	p := c.s.Next(c.now)
	if !slices.Equal(p.Recall, []string{"h.d"}) || len(p.Start) != 0 {
		t.Fatalf("%q are read back and %d start, want h.d, and none before it is back", p.Recall, len(p.Start))
	}
	before := c.hosts["h.d"]
	if c.save(); c.hosts["h.d"].dialect != before.dialect || len(c.lanes[record.Lane{Host: "h.d"}].Windows) != 1 {
		t.Error("what is saved of it was written over before it was read")
	}
	c.now = c.now.Add(time.Second)
	if p := c.s.Next(c.now); len(p.Start)+len(p.Recall) != 0 {
		t.Fatalf("%d start, and %q are read again, while it is read", len(p.Start), p.Recall)
	}
	if w := c.s.StartTry(c.now, ptr(queueOf("h.d", "f")), false); w == nil || w.Reason != schedule.Limit || w.Until.IsZero() {
		t.Errorf("a try is told %+v, want to wait for the limit", w)
	}
	c.recall([]string{"h.d"})
	c.calls = nil
	c.until(c.now.Add(59 * time.Second))
	if len(c.calls) == 0 || len(c.calls) > 5 {
		t.Errorf("%d calls in a minute after it came back, its limit is 5", len(c.calls))
	}
}

func ptr[T any](v T) *T { return &v }

// end is a call that will end.
type end struct {
	at    time.Time
	start schedule.Start
	began time.Time
}

type ends []end

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(x any)        { *e = append(*e, x.(end)) } //nolint:forcetypeassert // heap.Push is given nothing else
func (e *ends) Pop() any {
	n := len(*e) - 1
	last := (*e)[n]
	*e = (*e)[:n]
	return last
}
