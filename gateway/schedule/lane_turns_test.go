package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
)

// sequence is the first letters of the hosts that are called, one slot after another, until nothing is left; then is what happens
// when a call has begun.
func sequence(s *schedule.Schedule, then func(st schedule.Start, now time.Time)) string {
	var called strings.Builder
	for now := epoch; ; now = now.Add(time.Millisecond) {
		started := slices.Clone(s.Next(now).Start)
		if len(started) == 0 {
			return called.String()
		}
		for _, st := range started {
			called.WriteByte(st.Lane.Host[0])
			then(st, now)
		}
	}
}

func TestAHostThatAnsweredIsCalledAFewTimesInARowWhileOthersWait(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1})
	for n := range 30 {
		s.Committed(epoch, fresh(queueOf(string("abc"[n%3])+".example", "f"), n, epoch))
	}
	got := sequence(s, func(st schedule.Start, now time.Time) { finish(s, st, now) })
	if want := "aaaabbbbccccaaaabbbbccccaabbcc"; got != want {
		t.Errorf("called %s\n want  %s", got, want)
	}
}

func TestAHostThatDidNotAnswerLetsOthersHaveTheSlot(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1})
	for n := range 12 {
		s.Committed(epoch, fresh(queueOf(string("ab"[n%2])+".example", "f"), n, epoch))
	}
	got := sequence(s, func(st schedule.Start, now time.Time) {
		s.Ended(now, &schedule.End{
			ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Neutral, Seen: limiter.Observation{Sent: now, Received: now, Failed: true},
		})
		s.Settled(now, st.Entry.ID, nil)
	})
	if want := "abababababab"; got != want {
		t.Errorf("called %s\n want  %s", got, want)
	}
}

func TestAHostThatRanDryInItsTurnHasNoTurnMoreThanOthers(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1})
	n := 0
	add := func(host string, many int, now time.Time) {
		for range many {
			s.Committed(now, fresh(queueOf(host, "f"), n, now))
			n++
		}
	}
	add("a.example", 2, epoch)
	add("b.example", 12, epoch)
	begun := 0
	got := sequence(s, func(st schedule.Start, now time.Time) {
		finish(s, st, now)
		if begun++; begun == 3 { // a ran dry, left its place in the line and is behind b's next one
			add("a.example", 12, now)
		}
	})
	if want := "aabbbbbbbbaaaabbbbaaaaaaaa"; got != want {
		t.Errorf("called %s\n want  %s", got, want)
	}
}

func TestManyHostsThatWaitForSlotsAreAllServed(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 8})
	called := map[string]int{}
	for n := range 1000 {
		s.Committed(epoch, fresh(queueOf(fmt.Sprintf("h%d.example", n%100), "f"), n, epoch))
	}
	var under []schedule.Start
	for now := epoch; ; now = now.Add(time.Millisecond) {
		under = append(under, s.Next(now).Start...)
		if len(under) == 0 {
			break
		}
		called[under[0].Lane.Host]++
		finish(s, under[0], now)
		under = under[1:]
	}
	for host, times := range called {
		if times != 10 {
			t.Errorf("%s was called %d times, want 10", host, times)
		}
	}
	if len(called) != 100 {
		t.Errorf("%d hosts were called, want 100", len(called))
	}
}
