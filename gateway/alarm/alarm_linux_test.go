package alarm

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func linux(t *testing.T) *descriptor {
	t.Helper()
	a, err := New()
	if err != nil {
		t.Fatal(err)
	}
	d, ok := a.(*descriptor)
	if !ok {
		t.Fatalf("it is a %T", a)
	}
	return d
}

func TestCloseReleasesTheDescriptorAndEndsTheGoroutine(t *testing.T) {
	d := linux(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	<-d.ended
	if _, err := unix.FcntlInt(uintptr(d.fd), unix.F_GETFD, 0); err == nil {
		t.Error("the descriptor is still open")
	}
}

// left is how long it is until the system has the timer expire; 0: it is not set.
func (d *descriptor) left(t *testing.T) time.Duration {
	t.Helper()
	var set unix.ItimerSpec
	if err := unix.TimerfdGettime(d.fd, &set); err != nil {
		t.Fatal(err)
	}
	return time.Duration(set.Value.Nano())
}

func TestALaterInstantDoesNotAskTheSystem(t *testing.T) {
	d := linux(t)
	d.Set(time.Now().Add(time.Hour))
	d.Set(time.Now().Add(2 * time.Hour))
	if left := d.left(t); left > time.Hour {
		t.Errorf("the system has it ring in %v", left)
	}
	if allocated := testing.AllocsPerRun(100, func() { d.Set(time.Now().Add(time.Hour / 2)) }); allocated > 0 {
		t.Errorf("setting it allocates %v times", allocated)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsAsNearAsGoingToSleepTakesDoesNotAskTheSystem(t *testing.T) {
	d := linux(t)
	d.Set(time.Now().Add(soon / 2))
	<-d.Rings()
	if left := d.left(t); left > 0 {
		t.Errorf("the system has it ring in %v", left)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
