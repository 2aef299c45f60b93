package policy

import (
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Withhold notes in a webhook's entry an attempt that counts for nothing under any policy, and that it is made again after
// so long: its credential does not work.
func Withhold(e *record.Entry, wait time.Duration) {
	e.Throttled = addOne(e.Throttled)
	e.Deferred = addMs(e.Deferred, wait)
}
