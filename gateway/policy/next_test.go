package policy_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// answer is how a destination ends an attempt.
type answer struct {
	policy.Attempt
	took time.Duration
	wait time.Duration // what it asks for
}

// live plays a webhook's life in virtual time against answers, the last of which is repeated. It returns the instant of
// every attempt, counted from the first, and why it was given up; the reason is empty when it ended otherwise.
func live(t *testing.T, p *policy.Policy, draw func() float64, answers ...answer) (at []time.Duration, giveUp string) {
	t.Helper()
	var now time.Duration
	var s policy.Spent
	for i := 0; i < 100_000; i++ {
		at = append(at, now)
		a := answers[min(i, len(answers)-1)]
		o := p.Classify(a.Attempt)
		now += a.took
		s.Trying += a.took
		switch o {
		case policy.Delivered, policy.Failed:
			return at, ""
		case policy.Throttled:
			s.Throttled++
		case policy.Retry:
			s.Tries++
		}
		delay, giveUp := p.Next(s, o, a.Class, a.wait, draw())
		if giveUp != "" {
			return at, giveUp
		}
		if delay < a.wait {
			t.Fatalf("attempt %d: tried again after %s, the destination asked for %s", i+1, delay, a.wait)
		}
		now += delay
		if o == policy.Throttled {
			s.Deferred += delay
		} else {
			s.Trying += delay
		}
	}
	t.Fatal("it never ends")
	return nil, ""
}

func never() float64  { return 0 }
func always() float64 { return 0.999999 }

func seconds(n ...int) []time.Duration {
	var d []time.Duration
	for _, s := range n {
		d = append(d, time.Duration(s)*time.Second)
	}
	return d
}

func TestServerErrorIsRetriedFiveTimesWithinHalfAnHour(t *testing.T) {
	at, why := live(t, braze(t), never, answer{Attempt: policy.Attempt{Status: 500}})
	if want := seconds(0, 10, 40, 130, 400, 1210); !slices.Equal(at, want) || why != "all 5 retries used" {
		t.Errorf("attempts at %v, then %q; want %v", at, why, want)
	}
}

func TestUnreachableHostIsRetriedFiveTimesWithinADay(t *testing.T) {
	for _, class := range []policy.ErrorClass{policy.ClassDNS, policy.ClassConnect, policy.ClassTLS} {
		at, why := live(t, braze(t), never, answer{Attempt: policy.Attempt{Class: class}})
		if want := seconds(0, 60, 420, 2580, 15540, 58740); !slices.Equal(at, want) || why != "all 5 retries used" {
			t.Errorf("%s: attempts at %v, then %q; want %v", class, at, why, want)
		}
	}
}

func TestAnAnswerAfterALongOutageIsNotTheEndOfTrying(t *testing.T) {
	s := policy.Spent{Tries: 4, Trying: 5 * time.Hour} // three times unreachable, then a 500
	delay, giveUp := braze(t).Next(s, policy.Retry, "", 0, 0)
	if giveUp != "" || delay <= 0 {
		t.Errorf("delay %s, given up because %q; want one more try", delay, giveUp)
	}
}

func TestLastRetryBeginsWithinTheWindowHoweverSlowTheAttempts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := answer{Attempt: policy.Attempt{Class: policy.ClassTimeout}, took: time.Duration(random.Int64N(int64(90 * time.Second)))}
		limit := 30 * time.Minute
		if random.IntN(2) == 0 {
			a, limit = answer{Attempt: policy.Attempt{Class: policy.ClassConnect}, took: 10 * time.Second}, 24*time.Hour
		}
		at, _ := live(t, braze(t), random.Float64, a)
		if len(at) != 6 || at[5] > limit {
			t.Fatalf("%s each: attempts at %v; want 6, all within %s", a.took, at, limit)
		}
	}
	if at, _ := live(t, braze(t), always, answer{Attempt: policy.Attempt{Class: policy.ClassTimeout}, took: 90 * time.Second}); at[5] != 30*time.Minute {
		t.Errorf("attempts at %v: want the last delay shortened to end at 30 min", at)
	}
}

func TestJitterLengthensEachDelayByAtMostAFifth(t *testing.T) {
	p := braze(t)
	for tries, base := range seconds(10, 30, 90, 270, 810) {
		for _, u := range []float64{0, 0.25, 0.5, 0.999999} {
			got, why := p.Next(policy.Spent{Tries: tries + 1}, policy.Retry, "", 0, u)
			if want := base + time.Duration(float64(base)*0.2*u); got != want || why != "" {
				t.Errorf("try %d, draw %v: delay %s, %q; want %s", tries+1, u, got, why, want)
			}
		}
	}
}

func TestRetryAfterNeverShortensTheSchedule(t *testing.T) {
	p := braze(t)
	for _, tt := range []struct{ wait, want time.Duration }{
		{0, 90 * time.Second}, {time.Second, 90 * time.Second}, {2 * time.Minute, 2 * time.Minute}, {time.Hour, time.Hour},
	} {
		got, why := p.Next(policy.Spent{Tries: 3, Trying: time.Minute}, policy.Retry, "", tt.wait, 0)
		if got != tt.want || why != "" {
			t.Errorf("asked for %s: delay %s, %q; want %s", tt.wait, got, why, tt.want)
		}
	}
}

func TestThrottledAttemptsSpendNoTries(t *testing.T) {
	p := braze(t)
	throttled := answer{Attempt: policy.Attempt{Status: 429, HasRetryAfter: true}, wait: 7 * time.Second}
	var answers []answer
	for range 500 {
		answers = append(answers, throttled)
	}
	answers = append(answers, answer{Attempt: policy.Attempt{Status: 500}})
	at, why := live(t, p, always, answers...)
	if len(at) != 506 || at[500] != 3500*time.Second || why != "all 5 retries used" {
		t.Errorf("%d attempts, the 501st at %s, then %q; want 500 throttled 7 s apart and then 6", len(at), at[500], why)
	}
}

func TestThrottledWithoutATimeBacksOffToAMinute(t *testing.T) {
	at, why := live(t, braze(t), never, answer{Attempt: policy.Attempt{Status: 429}})
	if want := seconds(0, 1, 3, 7, 15, 31, 63, 123, 183); !slices.Equal(at[:len(want)], want) {
		t.Errorf("attempts at %v, want %v", at[:len(want)], want)
	}
	if last := at[len(at)-1]; last != 24*time.Hour || why != "max_age of 24h0m0s reached" {
		t.Errorf("given up after %s: %q; want after a day", last, why)
	}
}

func TestWhatTheDestinationAsksIsHonouredUpToMaxAge(t *testing.T) {
	p := braze(t)
	for _, o := range []policy.Outcome{policy.Throttled, policy.Retry} {
		s := policy.Spent{Tries: 1, Throttled: 1, Trying: time.Minute, Deferred: 20 * time.Hour}
		if delay, why := p.Next(s, o, "", 3*time.Hour, 0); delay != 3*time.Hour || why != "" {
			t.Errorf("%s: delay %s, %q; want the 3 h asked for", o, delay, why)
		}
		if _, why := p.Next(s, o, "", 4*time.Hour, 0); !strings.Contains(why, "max_age") {
			t.Errorf("%s: given up because %q; want max_age", o, why)
		}
	}
}

func TestMaxAgeCountsTryingAndDeferralTogether(t *testing.T) {
	p := braze(t)
	for _, s := range []policy.Spent{
		{Tries: 1, Trying: 24 * time.Hour}, {Tries: 1, Throttled: 9, Trying: time.Hour, Deferred: 23 * time.Hour},
	} {
		if _, why := p.Next(s, policy.Throttled, "", 0, 0); why != "max_age of 24h0m0s reached" {
			t.Errorf("%+v: given up because %q", s, why)
		}
	}
}

func TestFinalOutcomesAreNotTriedAgain(t *testing.T) {
	for _, o := range []policy.Outcome{policy.Delivered, policy.Failed} {
		if _, why := braze(t).Next(policy.Spent{Tries: 1}, o, "", 0, 0); why == "" {
			t.Errorf("%s is tried again", o)
		}
	}
}

func BenchmarkClassifyAndNext(b *testing.B) {
	p := braze(b)
	for b.Loop() {
		o := p.Classify(policy.Attempt{Status: 503})
		p.Next(policy.Spent{Tries: 2, Trying: time.Minute}, o, "", 0, 0.5)
	}
}
