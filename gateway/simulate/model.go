package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/gateway/policy"
)

// model is a destination while it is played.
type model struct {
	*Host
	limits   []*destination.Limiter
	verdicts []destination.Verdict
	atOnce   bool // one of its limits is of calls at once, so their ends matter
	random   *rand.Rand
	text     []destination.Header
	report   HostReport
}

func newModel(h *Host, seed uint64, n int) (*model, error) {
	m := &model{Host: h, random: rand.New(rand.NewPCG(seed, uint64(n)+1)), report: HostReport{Host: h.Name}} //nolint:gosec // chance that must repeat
	for _, spec := range h.Limits {
		l, err := destination.New(spec)
		if err != nil {
			return nil, err
		}
		m.limits = append(m.limits, l)
		m.atOnce = m.atOnce || spec.Algorithm == destination.Concurrency
	}
	return m, nil
}

// out returns the outage that an instant is in.
func (m *model) out(at time.Duration) (Answer, bool) {
	for _, o := range m.Outages {
		if at >= o.At && at < o.At+o.For {
			return o.Answer, true
		}
	}
	return 0, false
}

// decide judges a call: all limits must have room, and one without leaves the others untouched.
func (m *model) decide(now time.Time) bool {
	ok := true
	for _, l := range m.limits {
		ok = ok && l.Peek(now).OK
	}
	m.verdicts = m.verdicts[:0]
	for _, l := range m.limits {
		if ok || len(m.limits) == 1 {
			m.verdicts = append(m.verdicts, l.Allow(now))
			continue
		}
		m.verdicts = append(m.verdicts, l.Peek(now))
	}
	return ok
}

// done tells the limits of calls at once that one has ended.
func (m *model) done(now time.Time) {
	for _, l := range m.limits {
		l.Done(now)
	}
}

// fields are what the response to the call that was judged last tells.
func (m *model) fields(now time.Time) []destination.Header {
	m.text = append(m.text[:0], destination.Header{Name: "Date", Value: now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")})
	if m.Dialect == "" || len(m.limits) == 0 {
		return m.text
	}
	m.text = m.Dialect.AppendAll(m.text, m.verdicts, now)
	return m.text
}

// latency is how long one call takes, in all.
func (m *model) latency() time.Duration {
	d := m.Latency
	if m.Jitter > 0 {
		d += time.Duration(m.random.Int64N(int64(m.Jitter)))
	}
	return max(d, time.Microsecond)
}

// queued is how long an accepted call waits at the destination before anything is done about it.
func (m *model) queued() time.Duration {
	d := time.Duration(0)
	for i := range m.verdicts {
		d = max(d, m.verdicts[i].Delay)
	}
	return d
}

const (
	statusOK      = 200
	statusRefused = 429

	refusedAfter = time.Millisecond // a closed port says so at once
)

// reply is how a call ended, at the sender.
type reply struct {
	status int
	class  policy.ErrorClass
}
