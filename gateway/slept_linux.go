package gateway

import (
	"time"

	"golang.org/x/sys/unix"
)

// slept returns how long the machine has slept since it was started: clock_gettime(2), CLOCK_BOOTTIME is CLOCK_MONOTONIC that
// counts that too.
func slept() time.Duration {
	var boot, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - awake.Nano())
}
