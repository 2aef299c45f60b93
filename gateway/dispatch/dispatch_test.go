package dispatch

import (
	"context"
	"errors"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// shelf is a store that fails as it is told to. What it is not asked for here it has not.
type shelf struct {
	persist.Store

	mu       sync.Mutex
	payloads map[record.ID][]byte
	entries  []record.Entry
	fail     int  // calls of Settle and Window that fail, still
	lost     bool // Settle fails for good
	full     bool // Settle fails for now, for want of space
	settled  []persist.Settlement
	states   []persist.State
	unread   int // calls of StatesOf that fail, still
}

var errDisk = errors.New("the disk is on fire")

func (s *shelf) broken() bool {
	s.fail--
	return s.fail >= 0
}

func (s *shelf) Settle(_ context.Context, _ persist.Member, b persist.Batch) ([]record.Part, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		return nil, persist.ErrFailed
	}
	if s.full {
		return nil, persist.ErrFull
	}
	if s.broken() {
		return nil, errDisk
	}
	for _, st := range b.Settlements {
		if st.Next != nil {
			st.Next.Rank = st.Next.Due
		}
		s.settled = append(s.settled, st)
	}
	s.states = append(s.states, b.States...)
	return nil, nil
}

func (s *shelf) Window(_ context.Context, _ persist.QueueRef, after record.Position, _ int) ([]record.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken() {
		return nil, errDisk
	}
	var behind []record.Entry
	for _, e := range s.entries {
		if after.Compare(e.Position) < 0 {
			behind = append(behind, e)
		}
	}
	return behind, nil
}

func (s *shelf) Payload(_ context.Context, id record.ID) ([]byte, error) {
	if p, ok := s.payloads[id]; ok {
		return p, nil
	}
	return nil, persist.ErrNotFound
}

func (s *shelf) all() []persist.Settlement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]persist.Settlement(nil), s.settled...)
}

func (s *shelf) saved() []persist.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]persist.State(nil), s.states...)
}

var nowhere = record.Queue{Lane: record.Lane{Host: "nowhere.example:80"}, Tenant: "default", Flow: "f"}

// restTime is until the cleaners of a client's connections have ended.
const restTime = 5 * time.Minute

// dispatching runs a dispatcher whose destinations cannot be reached.
func dispatching(t *testing.T, s *shelf) (d *Dispatcher, stop func()) {
	return failing(t, s, errors.New("no route to host"))
}

// failing runs a dispatcher whose calls end with an error before they begin.
func failing(t *testing.T, s *shelf, dial error) (d *Dispatcher, stop func()) {
	return dialling(t, s, func(context.Context, string, string) (net.Conn, error) { return nil, dial })
}

// dialling runs a dispatcher that reaches destinations by a function.
func dialling(t *testing.T, s persist.Store, dial func(context.Context, string, string) (net.Conn, error)) (d *Dispatcher, stop func()) {
	policies := configs.DefaultPolicies()
	client := egress.New(egress.Settings{Dial: dial})
	d = New(Settings{
		Store: s, Client: client, Policies: func() policy.Set { return policies }, Log: zerolog.Nop(),
		Schedule: schedule.Settings{
			Budget: func(_ record.Lane, now time.Time) *limiter.Budget {
				return limiter.New(limiter.Config{Start: math.Inf(1)}, now)
			},
			Breaker: func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) },
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return d, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		client.Close()
		time.Sleep(restTime)
	}
}

func entryOf(n byte) record.Entry {
	id := record.ID{15: n}
	ms := time.Now().UnixMilli()
	return record.Entry{Position: record.Position{Rank: ms, ID: id}, Due: ms}
}

func payload() []byte {
	w := record.Webhook{Method: "POST", URL: "http://nowhere.example/", Host: nowhere.Lane.Host, Tenant: "default", Flow: "f", Policy: "default"}
	return w.Encode()
}

func TestWhatCouldNotBeWrittenIsWrittenLaterAndOnlyThenForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		s := &shelf{fail: 3, payloads: map[record.ID][]byte{e.ID: payload()}}
		d, stop := dispatching(t, s)
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
		time.Sleep(120 * time.Millisecond) // two writes have failed
		if n := len(s.all()); n != 0 || d.Load().Unsettled != 1 {
			t.Errorf("%d settled, %d unsettled while the disk fails; want 0 and 1", n, d.Load().Unsettled)
		}
		time.Sleep(10 * time.Second)
		all := s.all()
		if len(all) != 1 || all[0].Next == nil || all[0].Attempt.ErrorClass != string(policy.ClassConnect) {
			t.Fatalf("settled %+v; want one retry after a connect error", all)
		}
		time.Sleep(72 * time.Second) // its next try, a minute and up to a fifth later
		if all = s.all(); len(all) != 2 || all[1].Attempt.N != 2 {
			t.Errorf("settled %+v; want a second attempt", all)
		}
		stop()
	})
}

// What is sent and cannot be settled is sent again after a restart: the fewer, the better.
func TestNothingStartsWhileTheStoreTakesNoSettlements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := entryOf(1), entryOf(2)
		s := &shelf{fail: 3, payloads: map[record.ID][]byte{first.ID: payload(), second.ID: payload()}}
		d, stop := dispatching(t, s)
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: first, Payload: payload()}})
		time.Sleep(60 * time.Millisecond) // one write has failed
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: second, Payload: payload()}})
		time.Sleep(60 * time.Millisecond)
		if l := d.Load(); l.Unsettled != 1 || l.InFlight != 0 {
			t.Errorf("%d unsettled, %d in flight while the store takes nothing; want 1 and 0", l.Unsettled, l.InFlight)
		}
		time.Sleep(10 * time.Second)
		if n := len(s.all()); n != 2 {
			t.Errorf("%d settled once the store takes them again; want 2", n)
		}
		stop()
	})
}

func TestAShutdownDoesNotWaitForAStoreThatIsLost(t *testing.T) {
	shutDownUnsettled(t, &shelf{lost: true}, 0)
}

func TestAShutdownAsksADiskThatIsFullOnceMore(t *testing.T) {
	shutDownUnsettled(t, &shelf{full: true}, 5*time.Second)
}

// shutDownUnsettled shuts a dispatcher down that cannot settle what it sent.
func shutDownUnsettled(t *testing.T, s *shelf, most time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		s.payloads = map[record.ID][]byte{e.ID: payload()}
		d, stop := dispatching(t, s)
		d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
		time.Sleep(time.Second)
		if d.Load().Unsettled != 1 {
			t.Fatal("nothing is unsettled: that proves nothing")
		}
		began := time.Now()
		stop()
		if took := time.Since(began) - restTime; took > most {
			t.Errorf("it took %s, want %s at most", took, most)
		}
	})
}

func TestAQueueThatCouldNotBeReadIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := entryOf(1)
		s := &shelf{fail: 2, entries: []record.Entry{e}, payloads: map[record.ID][]byte{e.ID: payload()}}
		d, stop := dispatching(t, s)
		if err := d.Ask(t.Context(), func(sc *schedule.Schedule, now time.Time) {
			sc.Found(nowhere.ID(), &nowhere, record.Position{})
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if all := s.all(); len(all) != 1 {
			t.Errorf("%d settled, want the one that was on disk", len(all))
		}
		stop()
	})
}

func TestAWebhookWhosePayloadCannotBeReadEndsSayingSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		d, stop := dispatching(t, s)
		d.Committed([]persist.Committed{
			{Queue: nowhere, QueueID: nowhere.ID(), Entry: entryOf(1), Payload: []byte("\xffno record")},
			{Queue: nowhere, QueueID: nowhere.ID(), Entry: entryOf(2)}, // and nothing on disk
		})
		time.Sleep(time.Second)
		all := s.all()
		if len(all) != 2 {
			t.Fatalf("%d ended, want 2", len(all))
		}
		for _, st := range all {
			if st.Final == nil || st.Final.State != record.Failed || st.Final.Reason == "" {
				t.Errorf("settled %+v; want it failed, with a reason", st)
			}
		}
		stop()
	})
}

func TestAQuestionAfterTheEndIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := dispatching(t, &shelf{})
		stop()
		if err := d.Ask(context.Background(), func(*schedule.Schedule, time.Time) {}); !errors.Is(err, ErrStopping) {
			t.Errorf("%v, want %v", err, ErrStopping)
		}
	})
}
