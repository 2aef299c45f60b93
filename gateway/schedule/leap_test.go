package schedule_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// clockSet is an instant of a process whose wall clock was set, by whole seconds, while its own went on. Package time has no
// other way to say it: the seconds are in the upper bits of what is first in a time.Time.
func clockSet(at time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&at)) += uint64(by/time.Second) << 30 // below 0 it wraps around, as it should
	return at
}

// leaping is a schedule whose clock is set forward by five hours, a second after one webhook was accepted.
type leaping struct {
	t  *testing.T
	s  *schedule.Schedule
	q  record.Queue
	at time.Time // by the clock as it was
}

const leapt = 5 * time.Hour

func newLeaping(t *testing.T, due, expires time.Duration) *leaping {
	t.Helper()
	l := &leaping{t, unlimited(schedule.Settings{}), queueOf("a.example", "f"), time.Now()}
	f := fresh(l.q, 1, l.at.Add(due))
	if expires > 0 {
		f.Entry.Expires = l.at.Add(expires).UnixMilli()
	}
	l.s.Committed(l.at, f)
	l.next(0, 0, "", 0)
	l.at = l.at.Add(time.Second)
	if got := l.s.Ahead(clockSet(l.at, leapt)); got != leapt {
		t.Errorf("the clock is ahead by %s before anybody noticed, want %s", got, leapt)
	}
	l.next(0, leapt, "", leapt)
	if got := l.s.Ahead(clockSet(l.at, leapt)); got != leapt {
		t.Errorf("the clock is ahead by %s, want %s", got, leapt)
	}
	return l
}

// next asks what begins and what expires some time later, with the clock ahead by so much, and what is said of the clock.
func (l *leaping) next(later, ahead time.Duration, want string, set time.Duration) {
	l.t.Helper()
	l.at = l.at.Add(later)
	p, got := l.s.Next(clockSet(l.at, ahead)), ""
	for range p.Start {
		got += "sent "
	}
	for range p.Expired {
		got += "expired "
	}
	if got != want {
		l.t.Fatalf("%q at %s, with the clock ahead by %s, want %q", got, l.at.Format(time.TimeOnly), ahead, want)
	}
	if p.Clock.By != set {
		l.t.Fatalf("the clock is said to be set by %s, want %s", p.Clock.By, set)
	}
	if !p.Wake.IsZero() && !p.Wake.After(clockSet(l.at, ahead)) {
		l.t.Fatalf("to be asked again at once, at %s", p.Wake)
	}
}

func TestWhatALeapAloneMakesDueIsHeldUntilTheClockIsBelieved(t *testing.T) {
	l := newLeaping(t, 4*time.Hour, 0)
	l.next(9*time.Minute, leapt, "", 0)
	l.next(2*time.Minute, leapt, "sent ", leapt)
}

func TestWhatALeapAloneMadeDueGoesInItsTimeOnceTheClockIsSetBack(t *testing.T) {
	l := newLeaping(t, 4*time.Hour, 0)
	l.next(5*time.Minute, 0, "", -leapt)
	l.next(3*time.Hour+54*time.Minute, 0, "", 0)
	l.next(time.Minute, 0, "sent ", 0)
}

func TestWhatALeapAlonePutsPastItsDeadlineExpiresOnceTheClockIsBelieved(t *testing.T) {
	l := newLeaping(t, time.Minute, 4*time.Hour)
	l.next(9*time.Minute, leapt, "", 0)
	l.next(2*time.Minute, leapt, "expired ", leapt)
}

func TestWhatALeapAlonePutPastItsDeadlineIsSentOnceTheClockIsSetBack(t *testing.T) {
	l := newLeaping(t, time.Minute, 4*time.Hour)
	l.next(5*time.Minute, 0, "sent ", -leapt)
}

func TestADeadlineThatPassesByBothClocksHoldsDuringALeap(t *testing.T) {
	l := newLeaping(t, 2*time.Hour, 3*time.Minute)
	l.next(2*time.Minute, leapt, "", 0)
	l.next(time.Minute, leapt, "expired ", 0)
}

func TestATryThatWasSoonGoesInItsTimeDuringALeap(t *testing.T) {
	l := newLeaping(t, 2*time.Minute, 0)
	l.next(time.Minute, leapt, "", 0)
	l.next(time.Minute, leapt, "sent ", 0)
}

func TestWhatIsAcceptedDuringALeapGoesAtOnce(t *testing.T) {
	l := newLeaping(t, time.Minute, 4*time.Hour)
	f := fresh(queueOf("b.example", "f"), 2, clockSet(l.at, leapt))
	l.s.Committed(clockSet(l.at, leapt), f)
	l.next(0, leapt, "sent ", 0)
}

func TestALeapIsSaidToHoldWhatWaits(t *testing.T) {
	l := newLeaping(t, 4*time.Hour, 0)
	now := clockSet(l.at, leapt)
	f := fresh(l.q, 1, l.at.Add(4*time.Hour-time.Second))
	w := l.s.Why(now, &l.q, &f.Entry)
	if until := now.Add(10 * time.Minute); w.Reason != schedule.Due || w.Leap != leapt || w.Until.Sub(until).Abs() > time.Millisecond {
		t.Errorf("it waits for %q until %s, by a leap of %s; want %s", w.Reason, w.Until, w.Leap, until)
	}
}

func TestAMachineThatSleptIsBelievedAtOnceAndAClockThatIsSetAfterwardsIsNot(t *testing.T) {
	l := &leaping{t, unlimited(schedule.Settings{}), queueOf("a.example", "f"), time.Now()}
	l.s.Committed(l.at, fresh(l.q, 1, l.at.Add(4*time.Hour)))
	l.s.Committed(l.at, fresh(l.q, 2, l.at.Add(7*time.Hour)))
	l.s.MachineSlept(time.Hour) // before this process was there
	l.next(0, 0, "", 0)
	if l.s.AsksForSleep(l.at.Add(time.Minute)) || !l.s.AsksForSleep(clockSet(l.at, leapt)) {
		t.Error("it is not the clock's going ahead that has it ask how long the machine slept")
	}
	l.s.MachineSlept(time.Hour + leapt)
	l.next(time.Second, leapt, "sent ", 0)
	l.next(time.Second, 2*leapt, "", leapt)
	if got := l.s.Ahead(clockSet(l.at, 2*leapt)); got != leapt {
		t.Errorf("the clock is ahead by %s, want the %s that it was set by", got, leapt)
	}
}

func TestAClockThatIsOnlyKeptRightIsBelieved(t *testing.T) {
	l := &leaping{t, unlimited(schedule.Settings{}), queueOf("a.example", "f"), time.Now()}
	l.s.Committed(l.at, fresh(l.q, 1, l.at.Add(30*time.Second)))
	l.next(0, 0, "", 0)
	l.next(time.Second, 30*time.Second, "", 0)
}
