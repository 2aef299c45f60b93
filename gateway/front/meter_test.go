package front

import (
	"testing"
	"time"
	"unsafe"
)

func TestATokensRateIsNotOfTheWallClock(t *testing.T) {
	m := newMeter(2, time.Minute)
	now := m.began.Add(time.Second)
	m.charge(now, 1)
	// The wall clock is set back by five hours: its seconds are in the upper bits of what is first in a time.Time.
	*(*uint64)(unsafe.Pointer(&now)) -= uint64(5*time.Hour/time.Second) << 30
	if wait, ok := m.take(now); !ok {
		t.Errorf("one is left, and it is to wait for %s", wait)
	}
	if wait, ok := m.take(now); ok || wait != 30*time.Second {
		t.Errorf("none is left: %v, to wait for %s", ok, wait)
	}
}
