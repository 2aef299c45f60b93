package alarm

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// New returns the most punctual alarm that there is here: a timer that is a file descriptor (timerfd_create(2)), which the
// Go runtime waits for as for a socket, to the nanosecond. It is late by what it takes to wake a thread.
func New() (Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	d := &descriptor{
		fd: fd, file: os.NewFile(uintptr(fd), "timerfd"), rings: make(chan time.Time, 1), ended: make(chan struct{}),
	}
	go d.listen()
	return d, nil
}

// soon is how near an instant is for which going to sleep takes the processor longer than to look again at once.
const soon = 10 * time.Microsecond

// descriptor is a timerfd, and the goroutine that waits for it.
type descriptor struct {
	fd    int // of file, which must not be asked for it: that would make it a blocking one
	file  *os.File
	rings chan time.Time // of capacity 1: who has not heard yet need not be rung twice
	at    time.Time      // what it was set for; in the past: it has rung, or is about to
	ended chan struct{}
}

// listen passes on that the timer has expired, until the file is closed.
func (d *descriptor) listen() {
	defer close(d.ended)
	var times [8]byte // how often it has expired since, which does not matter
	for {
		if _, err := d.file.Read(times[:]); err != nil {
			return
		}
		d.ring()
	}
}

func (d *descriptor) ring() {
	select {
	case d.rings <- time.Now():
	default:
	}
}

// Set implements Alarm. Where it will ring before the instant anyway, it stays as it is: most of the time the next thing to
// do moves away while other things happen, and the system is not asked then.
func (d *descriptor) Set(at time.Time) {
	now := time.Now()
	left := at.Sub(now)
	switch {
	case d.at.After(now) && left >= d.at.Sub(now):
		return
	case left < soon:
		d.ring()
		return
	}
	d.at = now.Add(left) // and not at, which may be an instant of a clock that is set back
	// It fails where the descriptor is none or the time is negative.
	_ = unix.TimerfdSettime(d.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}, nil)
}

// Rings implements Alarm.
func (d *descriptor) Rings() <-chan time.Time { return d.rings }

// Close implements Alarm.
func (d *descriptor) Close() error {
	err := d.file.Close()
	<-d.ended
	return err
}
