package dispatch

import (
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

// UnsignedPause is how long a webhook waits that could not be signed: whoever mends it is no quicker, and a restart or a
// reload does not wait for it.
const UnsignedPause = time.Minute

// ErrOrphaned is Settings.Sign's where a webhook can never be signed any more: it ends as cancelled, and the error is why.
var ErrOrphaned = errors.New("it can never be signed any more")

// headers are what a webhook is sent with at an instant: the caller's own, those that say which webhook it is and where it
// came from, and those that sign it. A webhook that its policy has signed is never sent without.
func (d *Dispatcher) headers(p *policy.Policy, w *record.Webhook, id record.ID, now time.Time) ([]record.Header, error) {
	headers := traced(p.Identify(w.Headers, w, id), w.Trace)
	if d.set.Sign == nil || len(p.Sign) == 0 {
		return headers, nil
	}
	return d.set.Sign(p, w, id, now, headers)
}
