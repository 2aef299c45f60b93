package matrix

import (
	"encoding/binary"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Sluice is the product's own sender, as it is by default: one lane of a schedule whose backlog has no end, with the
// budget and the reading of headers that the gateway has.
var Sluice = &Kind{Name: "sluice", New: newSluice}

type sluice struct {
	schedule *schedule.Schedule
	desc     record.Queue
	queue    record.QueueID
	webhooks uint64                 // committed so far
	calls    int                    // begun so far
	flying   map[int]schedule.Start // by call
	reading  reading
}

func newSluice(c *Cell, begin time.Time) Sender {
	s := &sluice{
		desc:   record.Queue{Lane: record.Lane{Host: "api.example.com"}, Tenant: "default", Flow: "default"},
		flying: map[int]schedule.Start{},
	}
	s.queue = s.desc.ID()
	cfg := limiter.DefaultConfig()
	cfg.ConcurrencyMax = c.Workers
	s.schedule = schedule.New(schedule.Settings{
		Budget:  func(_ record.Lane, now time.Time) *limiter.Budget { return limiter.New(cfg, now) },
		Breaker: func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) },
	})
	s.commit(begin)
	return s
}

// Next implements Sender.
func (s *sluice) Next(now time.Time) (begin int, wake time.Time) {
	for {
		s.commit(now)
		p := s.schedule.Next(now)
		for i := range p.Start {
			s.flying[s.calls] = p.Start[i]
			s.calls++
		}
		begin += len(p.Start)
		if s.schedule.InMemory() > 0 {
			return begin, p.Wake
		}
	}
}

// backlog is how many webhooks are kept waiting.
const backlog = 64

// commit fills the lane up with webhooks that are due.
func (s *sluice) commit(now time.Time) {
	if s.schedule.InMemory() >= backlog/2 {
		return
	}
	for s.schedule.InMemory() < backlog {
		s.webhooks++
		f := schedule.Fresh{Queue: s.desc, ID: s.queue}
		f.Entry.Rank, f.Entry.Due = now.UnixMilli(), now.UnixMilli()
		binary.BigEndian.PutUint64(f.Entry.ID[8:], s.webhooks)
		s.schedule.Committed(now, &f)
	}
}

// Ended implements Sender. A webhook that was refused is followed by another: nobody waits for this very one.
func (s *sluice) Ended(now time.Time, r *Response) {
	st := s.flying[r.Call]
	delete(s.flying, r.Call)
	health := circuit.Success
	if r.Refused() {
		health = circuit.Neutral
	}
	s.schedule.Ended(now, &schedule.End{
		ID: st.Entry.ID, Permit: st.Permit, Health: health,
		Seen: limiter.Observation{Sent: r.Sent, Received: r.Received, Status: r.Status, Hint: s.reading.read(r)},
	})
	s.schedule.Settled(now, st.Entry.ID, nil)
}

// Pace implements paced.
func (s *sluice) Pace(now time.Time) (perSecond float64, from string) {
	host, known := s.schedule.Host(now, s.desc.Lane.Host)
	if !known {
		return 0, ""
	}
	v := &host.Lanes[0].Budget
	from = v.From
	if !v.PausedUntil.IsZero() {
		from += ", paused by " + v.PauseCause
	}
	if v.Probing {
		from += ", probing"
	}
	return v.Rate, from
}
