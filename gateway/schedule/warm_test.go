package schedule_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// callOnce has a host called once, and returns the breaker's transition.
func callOnce(t *testing.T, s *schedule.Schedule, host string, n int, now time.Time, status int, health circuit.Result) circuit.Transition {
	t.Helper()
	s.Committed(now, fresh(queueOf(host, "f"), n, now))
	p := s.Next(now)
	if len(p.Start) != 1 {
		t.Fatalf("%d calls of %s begin, want 1", len(p.Start), host)
	}
	st := p.Start[0]
	transition := s.Ended(now, &schedule.End{ID: st.Entry.ID, Permit: st.Permit, Health: health,
		Seen: limiter.Observation{Sent: now, Received: now, Status: status}})
	s.Settled(now, st.Entry.ID, nil)
	return transition
}

func TestWhatWaitsForItsFirstCallNeedsNoBreaker(t *testing.T) {
	s := unlimited(schedule.Settings{})
	s.HoldFlow(epoch, schedule.FlowName{Tenant: "default", Flow: "f"})
	for h := range 100 {
		s.Committed(epoch, fresh(queueOf(fmt.Sprintf("h%d.example", h), "f"), h, epoch))
	}
	if s.Next(epoch); s.Warm() != 0 {
		t.Errorf("%d of 100 hosts have a breaker before a call", s.Warm())
	}
}

func TestOfHostsThatAreWellOnlySomeStayWarm(t *testing.T) {
	s := unlimited(schedule.Settings{})
	const hosts = 3 * schedule.MaxWarm
	for n := range hosts {
		callOnce(t, s, fmt.Sprintf("h%d.example", n), n, epoch.Add(time.Duration(n)*time.Millisecond), 200, circuit.Success)
	}
	if got, most := s.Warm(), schedule.MaxWarm+schedule.MaxWarm/4; got > most {
		t.Errorf("%d of %d hosts that are well have a breaker, want at most %d", got, hosts, most)
	}
}

// Whoever makes breakers and budgets may make those anew that are given back: no host and no lane has them any more.
func TestWhatIsGivenBackIsNotUsedAnyMore(t *testing.T) {
	budgets, breakers := map[*limiter.Budget]string{}, map[*circuit.Breaker]string{}
	given := 0
	s := schedule.New(schedule.Settings{
		Budget: func(l record.Lane, now time.Time) *limiter.Budget {
			b := limiter.New(limiter.Config{Start: math.Inf(1)}, now)
			budgets[b] = l.Host
			return b
		},
		Breaker: func(host string) *circuit.Breaker {
			b := circuit.New(circuit.Config{})
			breakers[b] = host
			return b
		},
		SpareBudget: func(b *limiter.Budget) {
			if given++; budgets[b] == "" {
				t.Fatal("a budget is given back twice, or was never made")
			}
			delete(budgets, b)
		},
		SpareBreaker: func(b *circuit.Breaker) {
			if breakers[b] == "" {
				t.Fatal("a breaker is given back twice, or was never made")
			}
			delete(breakers, b)
		},
	})
	const hosts = 3 * schedule.MaxWarm
	for n := range hosts {
		callOnce(t, s, fmt.Sprintf("h%d.example", n), n, epoch.Add(time.Duration(n)*time.Millisecond), 200, circuit.Success)
	}
	if given == 0 || len(breakers) != s.Warm() {
		t.Fatalf("%d budgets were given back, and %d breakers were not, of which hosts have %d", given, len(breakers), s.Warm())
	}
	for b, host := range breakers {
		if s.Breaker(host) != b {
			t.Fatalf("the breaker of %s is another one, and its own was not given back", host)
		}
	}
}

// Slow hosts that succeed are well, too, though all are called within seconds.
func TestOfHostsThatAreSlowOnlySomeStayWarm(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1 << 16})
	const (
		hosts = 3 * schedule.MaxWarm
		each  = time.Millisecond
		takes = 4 * time.Second
	)
	var underWay []schedule.Start
	for n := range hosts {
		now := epoch.Add(time.Duration(n) * each)
		if n >= int(takes/each) {
			st := underWay[0]
			underWay = underWay[1:]
			s.Ended(now, &schedule.End{ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Success,
				Seen: limiter.Observation{Sent: now.Add(-takes), Received: now, Status: 200}})
			s.Settled(now, st.Entry.ID, nil)
		}
		s.Committed(now, fresh(queueOf(fmt.Sprintf("h%d.example", n), "f"), n, now))
		p := s.Next(now)
		if len(p.Start) != 1 {
			t.Fatalf("%d calls begin, want 1", len(p.Start))
		}
		underWay = append(underWay, p.Start...)
	}
	if got, most := s.Warm(), schedule.MaxWarm+schedule.MaxWarm/4; got > most {
		t.Errorf("%d of %d hosts that are well and slow have a breaker, want at most %d", got, hosts, most)
	}
	// It is known still which were slow some seconds ago: they may have more slots than a host that nothing is known of.
	now := epoch.Add(hosts * each)
	const more = 1000
	for n := range more {
		s.Committed(now, fresh(queueOf(fmt.Sprintf("h%d.example", hosts/2), "f"), hosts+n, now))
	}
	if p := s.Next(now); len(p.Start) != more {
		t.Errorf("%d calls of a slow host begin, want %d: that it is slow was forgotten", len(p.Start), more)
	}
}

// Nineteen failures in a row are remembered, as are those that a host heard of a limit from, however many others are called.
func TestAHostThatFailsIsRememberedAmongHoweverMany(t *testing.T) {
	s := unlimited(schedule.Settings{})
	n := 0
	call := func(host string, status int, health circuit.Result) circuit.Transition {
		n++
		return callOnce(t, s, host, n, epoch.Add(time.Duration(n)*time.Microsecond), status, health)
	}
	for range circuit.DefaultMinRequests - 1 {
		if tr := call("bad.example", 500, circuit.Failure); tr != (circuit.Transition{}) {
			t.Fatalf("it opened early: %v", tr)
		}
	}
	call("limited.example", 429, circuit.Success)
	limited, _ := s.Host(epoch, "limited.example")
	for h := range 3 * schedule.MaxWarm {
		call(fmt.Sprintf("h%d.example", h), 200, circuit.Success)
	}
	if tr := call("bad.example", 500, circuit.Failure); tr.To != circuit.Open {
		t.Errorf("the last failure that it takes opened nothing: %v", tr)
	}
	after, _ := s.Host(epoch, "limited.example")
	if was, is := limited.Lanes[0].Budget.PausedUntil, after.Lanes[0].Budget.PausedUntil; was.IsZero() || !is.Equal(was) {
		t.Errorf("paused until %s, now until %s", was, is)
	}
}

// A host whose backlog is on disk takes little of memory before its first call: there may be very many.
func TestAHostThatWaitsIsSmall(t *testing.T) {
	const hosts, most = 20_000, 1152
	s := unlimited(schedule.Settings{})
	before := alive()
	for h := range hosts {
		q := queueOf(fmt.Sprintf("host-%d.example", h), "f")
		s.Found(q.ID(), &q, record.Position{})
	}
	if each := (alive() - before) / hosts; each > most {
		t.Errorf("a host that waits takes %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(s)
}

// alive is how many bytes of the heap are in use.
func alive() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
