package simulate

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
)

// samples is how many instants a timeline has, at most twice that: more than a picture has columns.
const samples = 240

// sampler writes the timeline. How long a scenario takes is not known before: when there are too many samples, every
// second one goes and they come half as often.
type sampler struct {
	every    time.Duration
	next     time.Time
	timeline []Sample
	calls    map[*model]int
	refusals map[*model]int
	second   map[*model]time.Duration // the second being counted
	within   map[*model]int           // calls in it
}

func (s *sampler) begin(r *run) {
	s.every, s.next = time.Second, r.sc.Start
	s.calls, s.refusals = map[*model]int{}, map[*model]int{}
	s.second, s.within = map[*model]time.Duration{}, map[*model]int{}
	s.upTo(r, r.sc.Start)
}

func (s *sampler) called(m *model, now time.Time) {
	s.calls[m]++
	if second := time.Duration(now.Unix()); second != s.second[m] {
		s.second[m], s.within[m] = second, 0
	}
	s.within[m]++
	m.report.Busiest = max(m.report.Busiest, s.within[m])
}

func (s *sampler) refused(m *model) { s.refusals[m]++ }

// upTo takes the samples that are due before something happens at an instant.
func (s *sampler) upTo(r *run, at time.Time) {
	for !s.next.After(at) {
		s.take(r, s.next)
		s.next = s.next.Add(s.every)
		if len(s.timeline) < 2*samples {
			continue
		}
		for i := range samples {
			a, b := s.timeline[2*i], s.timeline[2*i+1]
			for h := range b.Calls {
				b.Calls[h] += a.Calls[h]
				b.Refused[h] += a.Refused[h]
				b.Open[h] = b.Open[h] || a.Open[h]
			}
			s.timeline[i] = b
		}
		s.timeline = s.timeline[:samples]
		s.every *= 2
	}
}

func (s *sampler) take(r *run, at time.Time) {
	sample := Sample{At: at.Sub(r.sc.Start)}
	for i := range r.report.Flows {
		f := &r.report.Flows[i]
		sample.Accepted = append(sample.Accepted, f.Accepted)
		sample.Delivered = append(sample.Delivered, f.Delivered)
	}
	for i := range r.sc.Hosts {
		m := r.models[r.sc.Hosts[i].Name]
		v, known := r.schedule.Host(at, m.Name)
		sample.Calls = append(sample.Calls, s.calls[m])
		sample.Refused = append(sample.Refused, s.refusals[m])
		sample.Open = append(sample.Open, known && v.Breaker.State != circuit.Closed)
		delete(s.calls, m)
		delete(s.refusals, m)
	}
	s.timeline = append(s.timeline, sample)
}

func (s *sampler) end(r *run) {
	s.take(r, r.now)
	r.report.Timeline = s.timeline
}
