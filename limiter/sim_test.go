package limiter

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// study is a saturated sender with one budget in front of one model of a destination, in virtual time.
type study struct {
	cfg     Config
	spec    destination.Spec
	headers headers
	rtt     time.Duration // both ways, at least
	noise   time.Duration // at most this much more, half of it each way
	service time.Duration // how long the destination works on a call that it accepted
	spread  float64       // the service time varies by this part of it, either way
	after   time.Duration // the phase of the first call against the clock
	crashes []time.Duration
	calls   int           // stop after so many accepted
	within  time.Duration // or after so long
	seed    uint64

	dialect destination.Dialect                           // where headers are not enough: real fields, read by a Reader
	also    []destination.Spec                            // further limits, which must have room for a call, too
	change  int                                           // the limit half way through; 0: it stays
	chance  float64                                       // of a call to be refused whatever the limit says
	late    time.Duration                                 // when that begins
	foreign float64                                       // calls a second by others, at random
	already time.Duration                                 // for how long others have called before
	host    judge                                         // the destination, where it is none of the models of package destination
	drowsy  time.Duration                                 // timers are late by at most this much
	stalls  float64                                       // the part of ways that something stands in, for 2 ms on average
	judged  func(at time.Duration, ok bool, pace float64) // by host
}

// headers is how the destination tells its limit, in whole seconds rounded up.
type headers string

const (
	untold       headers = "untold"
	retryAfter   headers = "Retry-After"    // on refusals only
	deltaSeconds headers = "X-Rate-Limit-*" // limit, remaining, and reset as a delay
	epochSeconds headers = "X-RateLimit-*"  // limit, remaining, and reset as a Unix time
	policy       headers = "RateLimit"      // with the window's length
)

// findings are what came of a study.
type findings struct {
	accepted, refused int
	took              time.Duration
	arrivals          []time.Time // all of them, refused ones too
	budget            *Budget
}

func (f *findings) share() float64 { return float64(f.refused) / float64(max(1, f.accepted+f.refused)) }

// use is what was accepted of what the limit allows in the time it took.
func (f *findings) use(spec destination.Spec) float64 {
	return float64(f.accepted) / (float64(spec.Limit) * f.took.Seconds() / spec.Per.Seconds())
}

type event struct {
	at      time.Time
	kind    eventKind
	sent    time.Time
	seen    []destination.Verdict
	tells   []destination.Header // by a host
	ok      bool
	decided time.Time
	life    int // of the budget that made the call
	n       int // breaks ties
}

type eventKind uint8

const (
	wake eventKind = iota
	arrive
	done
	respond
	crash
	change
	other // a call by others
)

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].n < a[j].n
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) } //nolint:forcetypeassert // our own
func (a *agenda) Pop() any {
	old := *a
	e := old[len(old)-1]
	*a = old[:len(old)-1]
	return e
}

// epoch of all studies: a multiple of every window's length.
var epoch = time.Unix(1_800_000_000, 0).UTC()

func (s study) run(tb testing.TB) findings {
	tb.Helper()
	var server several
	if s.host == nil {
		server = s.server(tb)
	}
	random := rand.New(rand.NewPCG(s.seed, 7))
	begin := epoch.Add(s.after)
	b := New(s.cfg, begin)
	f := findings{}
	var todo agenda
	n := 0
	plan := func(e event) {
		n++
		e.n = n
		heap.Push(&todo, e)
	}
	half := func() time.Duration {
		d := s.rtt / 2
		if s.noise > 0 {
			d += time.Duration(random.Int64N(int64(s.noise / 2)))
		}
		if s.stalls > 0 && random.Float64() < s.stalls {
			d += time.Duration(random.ExpFloat64() * float64(2*time.Millisecond))
		}
		return d
	}
	var waking time.Time
	var read reading
	life, unsaved := 0, false
	snapshot, savedAt := b.Snapshot(begin), begin
	now := begin
	send := func() {
		for {
			at, why := b.ReadyAt(now)
			if why != Ready {
				if at != Never && (!waking.After(now) || at.Before(waking)) {
					waking = at
					if s.drowsy > 0 {
						at = at.Add(time.Duration(random.Int64N(int64(s.drowsy))))
						waking = at
					}
					plan(event{at: at, kind: wake})
				}
				return
			}
			b.Start(now)
			plan(event{at: now.Add(half()), kind: arrive, sent: now, life: life})
		}
	}
	for _, at := range s.crashes {
		plan(event{at: begin.Add(at), kind: crash})
	}
	if s.change > 0 {
		plan(event{at: begin.Add(s.within / 2), kind: change})
	}
	strange := func() {
		if s.foreign > 0 {
			plan(event{at: now.Add(time.Duration(random.ExpFloat64() / s.foreign * float64(time.Second))), kind: other})
		}
	}
	for at := begin.Add(-s.already); s.foreign > 0 && at.Before(begin); {
		server.decide(at, false)
		at = at.Add(time.Duration(random.ExpFloat64() / s.foreign * float64(time.Second)))
	}
	strange()
	send()
	for len(todo) > 0 {
		e, _ := heap.Pop(&todo).(event)
		now = e.at
		if s.within > 0 && now.Sub(begin) > s.within || s.calls > 0 && f.accepted >= s.calls {
			break
		}
		switch e.kind {
		case wake:
			if waking.Equal(now) {
				waking = time.Time{}
			}
		case arrive:
			f.arrivals = append(f.arrivals, now)
			if s.host != nil {
				e.ok, e.tells = s.host.judge(now)
				s.judged(now.Sub(begin), e.ok, b.Rate(now))
			} else {
				e.seen, e.ok = server.decide(now, s.chance > 0 && now.Sub(begin) >= s.late && random.Float64() < s.chance)
			}
			e.kind, e.decided = respond, now
			if e.ok {
				f.accepted++
				if s.host != nil {
					e.at = now.Add(half())
					plan(e)
					continue
				}
				work := time.Duration(float64(s.service) * (1 + s.spread*(2*random.Float64()-1)))
				plan(event{at: now.Add(work), kind: done})
				e.at = now.Add(work + half())
			} else {
				f.refused++
				e.at = now.Add(half())
			}
			plan(e)
			continue
		case done:
			server[0].Done(now)
			continue
		case change:
			if err := server[0].SetLimit(now, s.change, s.spec.Per); err != nil {
				tb.Fatal(err)
			}
			continue
		case other:
			server.decide(now, false)
			strange()
			continue
		case respond:
			if e.life != life {
				continue
			}
			o := Observation{Sent: e.sent, Received: now, Status: 200}
			if !e.ok {
				o.Status = 429
			}
			switch {
			case s.host != nil:
				o.Hint = read.fields(e.tells, &e, o.Status)
			case s.dialect != "":
				o.Hint = read.hint(s.dialect, &e, o.Status)
			default:
				o.Hint = s.hint(&e, now)
			}
			b.Observe(now, o)
			unsaved = true
		case crash:
			life++
			b = New(s.cfg, now)
			b.Restore(snapshot, now)
			waking = time.Time{}
		}
		if unsaved && now.Sub(savedAt) >= time.Second {
			snapshot, savedAt, unsaved = b.Snapshot(now), now, false
		}
		send()
	}
	f.took = now.Sub(begin)
	f.budget = b
	return f
}

// several are limits that must all have room for a call.
type several []*destination.Limiter

func (s study) server(tb testing.TB) several {
	tb.Helper()
	var all several
	for _, spec := range append([]destination.Spec{s.spec}, s.also...) {
		l, err := destination.New(spec)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// decide judges a call, which is refused whatever the limits say if it is unlucky; then it does not count.
func (s several) decide(now time.Time, unlucky bool) (seen []destination.Verdict, ok bool) {
	ok = !unlucky
	for _, l := range s {
		ok = ok && l.Peek(now).OK
	}
	for _, l := range s {
		if ok || len(s) == 1 && !unlucky {
			seen = append(seen, l.Allow(now))
		} else {
			seen = append(seen, l.Peek(now))
		}
	}
	if len(s) == 1 {
		seen[0].OK = ok
	}
	return seen, ok
}

// reading reads fields as they come over the wire.
type reading struct {
	reader Reader
	host   Dialect
	read   Hint
}

func (r *reading) hint(d destination.Dialect, e *event, status int) *Hint {
	return r.fields(d.AppendAll(nil, e.seen, e.decided), e, status)
}

func (r *reading) fields(fields []destination.Header, e *event, status int) *Hint {
	r.reader.Reset(status, e.sent, e.at)
	for _, f := range fields {
		r.reader.Field([]byte(f.Name), []byte(f.Value))
	}
	r.reader.Hint(&r.read)
	r.host.Resolve(&r.read, e.sent, e.at)
	return &r.read
}

// hint is what a careful reader makes of the response: it cannot know whether whole seconds were rounded up or down.
func (s study) hint(e *event, received time.Time) *Hint {
	v := e.seen[0]
	switch s.headers {
	case untold, "":
		return nil
	case retryAfter:
		if v.OK {
			return nil
		}
		return &Hint{HasRetryAfter: true, RetryAfter: max(time.Second, wholeSeconds(v.RetryAfter))}
	}
	w := Window{Limit: int64(v.Limit), Remaining: int64(v.Remaining), HasReset: true, Source: string(s.headers)}
	if s.headers == epochSeconds {
		at := epoch.Add(wholeSeconds(e.decided.Add(v.ResetAfter).Sub(epoch)))
		w.Reset = Interval{later(received, at.Add(-time.Second)), at.Add(time.Second)}
	} else {
		left := wholeSeconds(v.ResetAfter)
		w.Reset = Interval{later(received, e.sent.Add(left-time.Second)), received.Add(left + time.Second)}
	}
	if s.headers == policy {
		w.Limit, w.Length = int64(v.Quota), v.Window
	}
	return &Hint{Windows: [MaxWindows]Window{w}, N: 1}
}

func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
