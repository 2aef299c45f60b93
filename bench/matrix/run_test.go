package matrix

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

var hundredInTen = destination.Spec{Algorithm: destination.Fixed, Limit: 100, Per: 10 * time.Second}

func mustRun(t testing.TB, c *Cell, k *Kind, seed uint64) Result {
	t.Helper()
	r, err := Run(c, k, seed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustBest(t testing.TB, c *Cell, seed uint64) Result {
	t.Helper()
	r, err := Best(c, seed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARunIsDeterminedByItsSeed(t *testing.T) {
	c := oneCell(hundredInTen, destination.XRateLimitEpoch, 80*time.Millisecond, func(c *Cell) { c.Shared = foreignShare })
	for _, k := range append(Baselines(), Sluice) {
		one := mustRun(t, c, k, 1)
		if again := mustRun(t, c, k, 1); again != one {
			t.Errorf("%s: the same seed gave\n%+v and then\n%+v", k.Name, one, again)
		}
		if other := mustRun(t, c, k, 2); other.Foreign == one.Foreign {
			t.Errorf("%s: with another seed as many of others came, %d", k.Name, one.Foreign)
		}
	}
}

func TestATraceTellsOfEveryCallAndChangesNothing(t *testing.T) {
	c := oneCell(hundredInTen, destination.RetryAfterOnly, 80*time.Millisecond)
	var sum Trace
	paces := 0
	r, err := RunTraced(c, Sluice, 1, func(s Trace) {
		sum.Sent += s.Sent
		sum.Accepted += s.Accepted
		sum.Refused += s.Refused
		if s.Second != sum.Second+1 {
			t.Fatalf("second %d follows %d", s.Second, sum.Second)
		}
		sum.Second = s.Second
		if s.Pace > 0 {
			paces++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if plain := mustRun(t, c, Sluice, 1); plain != r {
		t.Errorf("traced %+v, untraced %+v", r, plain)
	}
	// The run may end amid a second.
	if r.Accepted-sum.Accepted > 20 || r.Refused-sum.Refused > 20 || sum.Accepted > r.Accepted || sum.Refused > r.Refused {
		t.Errorf("the trace tells of %+v, the run had %d accepted and %d refused", sum, r.Accepted, r.Refused)
	}
	if paces < sum.Second*9/10 {
		t.Errorf("a pace in %d of %d seconds", paces, sum.Second)
	}
}

// script sends calls at given instants and keeps what it is told.
type script struct {
	at   []time.Time
	told []Response
}

func (s *script) Next(now time.Time) (begin int, wake time.Time) {
	for len(s.at) > 0 && !s.at[0].After(now) {
		begin++
		s.at = s.at[1:]
	}
	if len(s.at) > 0 {
		wake = s.at[0]
	}
	return begin, wake
}

func (s *script) Ended(_ time.Time, r *Response) {
	kept := *r
	kept.Fields = slices.Clone(r.Fields)
	s.told = append(s.told, kept)
}

// tell runs calls at instants since the run's begin through a cell.
func tell(t *testing.T, c *Cell, since ...time.Duration) []Response {
	t.Helper()
	s := &script{}
	mustRun(t, c, &Kind{Name: "script", New: func(_ *Cell, begin time.Time) Sender {
		for _, d := range since {
			s.at = append(s.at, begin.Add(d))
		}
		return s
	}}, 1)
	return s.told
}

func TestACallTakesItsRoundTripItsJitterAndItsWait(t *testing.T) {
	queue := destination.Spec{Algorithm: destination.LeakyQueue, Limit: 1, Per: time.Second, Burst: 3}
	c := oneCell(queue, destination.NoHeaders, 80*time.Millisecond)
	told := tell(t, c, 0, 0, 0, 0)
	if len(told) != 4 {
		t.Fatalf("%d answers to 4 calls", len(told))
	}
	refused := 0
	waits := []time.Duration{0, time.Second, 2 * time.Second}
	for _, r := range told {
		wait := time.Duration(0)
		if r.Refused() {
			refused++
		} else {
			wait, waits = waits[0], waits[1:]
		}
		took := r.Received.Sub(r.Sent) - wait
		// Arrivals differ by the jitter, and calls leave the queue evenly from the first one's.
		if took < 78*time.Millisecond || took > 86*time.Millisecond {
			t.Errorf("call %d took %s beside its wait of %s, want 80ms to 84ms and a jitter's difference", r.Call, took, wait)
		}
	}
	if refused != 1 {
		t.Errorf("%d of 4 calls refused by a queue of 3, want 1", refused)
	}
}

func TestFieldsGoByTheServersClockAndMaySpareRefusals(t *testing.T) {
	one := destination.Spec{Algorithm: destination.Fixed, Limit: 1, Per: time.Minute}
	c := oneCell(one, destination.XRateLimitEpoch, 80*time.Millisecond, func(c *Cell) {
		c.Skew, c.SuccessOnly = farSkew, true
	})
	told := tell(t, c, 0, time.Second)
	if len(told) != 2 || told[0].Refused() || !told[1].Refused() {
		t.Fatalf("told %+v, want an answer and a refusal", told)
	}
	date, err := time.Parse(time.RFC1123, told[0].Fields[0].Value)
	if err != nil || told[0].Fields[0].Name != "Date" {
		t.Fatalf("the first field is %+v, want a Date: %v", told[0].Fields[0], err)
	}
	if ahead := date.Sub(told[0].Sent); ahead < farSkew-time.Second || ahead > farSkew+time.Second {
		t.Errorf("its clock is ahead by %s, want %s", ahead, farSkew)
	}
	if n := len(told[0].Fields); n != 4 {
		t.Errorf("an accepted call tells %d fields, want 4: %v", n, told[0].Fields)
	}
	if n := len(told[1].Fields); n != 1 {
		t.Errorf("a refused call tells %d fields, want the Date alone: %v", n, told[1].Fields)
	}
}

func TestOfTwoLimitsACallCountsWhereBothHaveRoomAlone(t *testing.T) {
	c := &Cell{
		Limits: []destination.Spec{
			{Algorithm: destination.Fixed, Limit: 3, Per: 10 * time.Second},
			{Algorithm: destination.Fixed, Limit: 4, Per: time.Minute},
		},
		Dialect: destination.Draft8, Workers: 8, RTT: time.Millisecond,
	}
	// The second window of ten seconds has room for three, the minute for one more only.
	p := c.plan(1)
	left := c.edge(p.begin+1) - p.begin // of the first minute
	if left < 25*time.Second {
		t.Fatalf("the seed begins %s before the minute's end; the test wants more", left)
	}
	told := tell(t, c, 0, 0, 0, 0, 0, 10*time.Second, 10*time.Second, 10*time.Second)
	var refused []int
	for _, r := range told {
		if r.Refused() {
			refused = append(refused, r.Call)
		}
	}
	slices.Sort(refused)
	if want := []int{3, 4, 6, 7}; !slices.Equal(refused, want) {
		t.Errorf("refused are the calls %v, want %v", refused, want)
	}
}

func TestAdaptedIsWhenNineTenthsAreReachedForGood(t *testing.T) {
	c := oneCell(hundredInTen, destination.Draft8, 0, func(c *Cell) { c.Change = 2 })
	p := &plan{change: 100 * time.Second, end: 200 * time.Second}
	every := func(d time.Duration, from, to instant) (a []arrival) {
		for t := from; t < to; t += d {
			a = append(a, arrival{t, true})
		}
		return a
	}
	for _, test := range []struct {
		name     string
		arrivals []arrival
		want     time.Duration
	}{
		{"at once", every(50*time.Millisecond, 100*time.Second, 200*time.Second), 0},
		{"after a while", append(every(100*time.Millisecond, 0, 130*time.Second),
			every(50*time.Millisecond, 130*time.Second, 200*time.Second)...), 28 * time.Second},
		{"never", every(60*time.Millisecond, 0, 200*time.Second), -1},
	} {
		if got := adapted(test.arrivals, p, c); got.Round(time.Second) != test.want.Round(time.Second) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	c := oneCell(hundredInTen, destination.XRateLimitEpoch, 80*time.Millisecond)
	for _, k := range append([]*Kind{Sluice}, Baselines()...) {
		b.Run(k.Name, func(b *testing.B) {
			calls := 0
			for b.Loop() {
				calls += mustRun(b, c, k, 1).Sent
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls), "ns/call")
		})
	}
}

// A sliding second that is told beside a minute by one name looks like a bucket at times; what a bucket may do with what it saved up is
// not done with it.
func TestASecondAndAMinuteToldByOneNameAreUsed(t *testing.T) {
	c := oneCell(destination.Spec{Algorithm: destination.SlidingLog, Limit: 20, Per: time.Second}, destination.XRateLimitEpoch,
		80*time.Millisecond, func(c *Cell) {
			c.Limits = append(c.Limits, destination.Spec{Algorithm: destination.SlidingLog, Limit: 600, Per: time.Minute})
		})
	o, err := Try(c, []*Kind{Sluice}, []uint64{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	if !o.Passed() {
		t.Errorf("%s: missed %v, %v", c.Name(), o.Trials[0].Missed, o.Trials[1].Missed)
	}
}
