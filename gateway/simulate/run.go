package simulate

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// run is a scenario while it is played.
type run struct {
	set       Settings
	sc        *Scenario
	schedule  *schedule.Schedule
	models    map[string]*model
	shelves   map[record.QueueID]*shelf
	campaigns []campaign
	flying    map[record.ID]*call
	random    *rand.Rand
	reading   reading

	now    time.Time
	agenda agenda
	n      int // breaks ties, in the order of planning
	waking time.Time
	live   int // webhooks accepted and not ended
	toCome int // webhooks not yet accepted
	report Report
	waits  [][]float32
	sample sampler
}

// campaign is a Campaign as far as it has come.
type campaign struct {
	*Campaign
	queue    record.Queue
	id       record.QueueID
	accepted int
}

// Run plays a scenario. Its error says what in it makes no sense.
func Run(sc *Scenario, set Settings) (*Report, error) {
	if err := sc.check(set.Policies); err != nil {
		return nil, err
	}
	r := &run{
		set: set, sc: sc, schedule: schedule.New(set.Schedule), now: sc.Start,
		models: map[string]*model{}, shelves: map[record.QueueID]*shelf{}, flying: map[record.ID]*call{},
		random: rand.New(rand.NewPCG(sc.Seed, 0)),
		waits:  make([][]float32, len(sc.Campaigns)),
	}
	r.report.Start = sc.Start
	for i := range sc.Hosts {
		m, err := newModel(&sc.Hosts[i], sc.Seed, i)
		if err != nil {
			return nil, fmt.Errorf("hosts[%d] %s: %w", i, sc.Hosts[i].Name, err)
		}
		r.models[m.Name] = m
		if m.Others > 0 {
			r.plan(event{at: r.now.Add(r.untilOther(m)), kind: other, model: m})
		}
	}
	for i := range sc.Campaigns {
		c := campaign{Campaign: &sc.Campaigns[i]}
		c.queue = record.Queue{
			Lane: record.Lane{Host: c.Host}, Tenant: c.Tenant, Flow: c.Flow, Priority: c.Priority,
		}
		c.id = c.queue.ID()
		r.campaigns = append(r.campaigns, c)
		r.report.Flows = append(r.report.Flows, FlowReport{Flow: c.Flow, Tenant: c.Tenant, Host: c.Host})
		r.toCome += c.Count
		if c.Count > 0 {
			r.plan(event{at: r.now.Add(c.At), kind: accept, campaign: i})
		}
	}
	r.play()
	return &r.report, nil
}

// play lets happen what is on the agenda, until nothing is left or the time is over.
func (r *run) play() {
	length := r.sc.Length
	if length <= 0 {
		length = MaxLength
	}
	end := r.sc.Start.Add(length)
	r.sample.begin(r)
	for len(r.agenda) > 0 && (r.live > 0 || r.toCome > 0) && !r.agenda[0].at.After(end) {
		e := heap.Pop(&r.agenda).(event) //nolint:forcetypeassert // nothing else is in it
		r.sample.upTo(r, e.at)
		r.now = e.at
		switch e.kind {
		case accept:
			r.accept(e.campaign)
			// All of an instant at once, as a batch comes.
			for len(r.agenda) > 0 && r.agenda[0].kind == accept && r.agenda[0].at.Equal(e.at) {
				r.accept(heap.Pop(&r.agenda).(event).campaign) //nolint:forcetypeassert // nothing else is in it
			}
			r.ask()
		case reach:
			r.reach(e.call)
		case answer:
			r.answered(e.call)
			r.ask()
		case wake:
			if r.waking.Equal(e.at) {
				r.waking = time.Time{}
				r.ask()
			}
		case other:
			if ok := e.model.decide(r.now); ok {
				e.model.report.Others++
				if e.model.atOnce {
					r.plan(event{at: r.now.Add(e.model.latency()), kind: otherEnds, model: e.model})
				}
			}
			r.plan(event{at: r.now.Add(r.untilOther(e.model)), kind: other, model: e.model})
		case otherEnds:
			e.model.done(r.now)
		}
	}
	r.sample.end(r)
	r.report.Ended = r.now.Sub(r.sc.Start)
	for i := range r.sc.Hosts {
		r.report.Hosts = append(r.report.Hosts, r.models[r.sc.Hosts[i].Name].report)
	}
	r.report.finish(r.sc, r.waits)
}

// untilOther is how long it is until somebody else calls a host.
func (r *run) untilOther(m *model) time.Duration {
	return time.Duration(m.random.ExpFloat64() / m.Others * float64(time.Second))
}

func (r *run) plan(e event) {
	r.n++
	e.n = r.n
	heap.Push(&r.agenda, e)
}

// accept commits a campaign's next webhooks, all that are due, and plans the next.
func (r *run) accept(i int) {
	c := &r.campaigns[i]
	for c.accepted < c.Count {
		if at := r.sc.Start.Add(c.at(c.accepted)); at.After(r.now) {
			r.plan(event{at: at, kind: accept, campaign: i})
			return
		}
		f := schedule.Fresh{Queue: c.queue, ID: c.id}
		f.Entry = record.Entry{Position: record.Position{Rank: r.now.UnixMilli()}, Due: r.now.UnixMilli(), Size: 1024}
		r.identify(&f.Entry.ID, i)
		if c.Expires > 0 {
			f.Entry.Expires = r.now.Add(c.Expires).UnixMilli()
		}
		if r.shelves[c.id] == nil {
			r.shelves[c.id] = &shelf{}
		}
		r.shelves[c.id].add(f.Entry)
		r.schedule.Committed(r.now, &f)
		c.accepted++
		r.report.Flows[i].Accepted++
		r.live++
		r.toCome--
	}
}

// at is when the n-th webhook of a campaign is accepted.
func (c *Campaign) at(n int) time.Duration {
	if c.Over <= 0 || c.Count < 2 {
		return c.At
	}
	return c.At + time.Duration(float64(c.Over)*float64(n)/float64(c.Count))
}

// identify gives a webhook an id that sorts by acceptance and says whose it is.
func (r *run) identify(id *record.ID, campaign int) {
	_ = id.SetTime(uint64(r.now.UnixMilli())) // holds until the year 10889
	r.n++
	binary.BigEndian.PutUint64(id[6:], uint64(r.n))       //nolint:gosec // counts up from 1
	binary.BigEndian.PutUint16(id[14:], uint16(campaign)) //nolint:gosec // below MaxCampaigns
}

func campaignOf(id record.ID) int { return int(binary.BigEndian.Uint16(id[14:])) }

// ask does what the schedule decides, until it decides no more.
func (r *run) ask() {
	for {
		p := r.schedule.Next(r.now)
		for i := range p.Start {
			r.begin(p.Start[i])
		}
		for i := range p.Expired {
			e := &p.Expired[i]
			r.report.Flows[campaignOf(e.Entry.ID)].Expired++
			r.over(e)
		}
		reads := append([]schedule.Read(nil), p.Read...)
		at := p.Wake
		for _, read := range reads {
			r.schedule.ReadDone(r.now, read.Queue, r.shelves[read.Queue].after(read.After, read.Limit), false)
		}
		if len(reads) > 0 {
			continue
		}
		if at.IsZero() {
			return
		}
		if !at.After(r.now) {
			at = r.now.Add(time.Microsecond)
		}
		if r.waking.IsZero() || at.Before(r.waking) {
			r.waking = at
			r.plan(event{at: at, kind: wake})
		}
		return
	}
}
