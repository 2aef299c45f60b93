package policy

import (
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Retention is how long finished webhooks are kept, apart for what is known of them and for their payloads.
type Retention struct{ Metadata, Body Keep }

// Keep is how long something of finished webhooks is kept, by the state in which they ended; 0: not at all. A state that
// it does not have is kept as long as the gateway's own retention says.
type Keep map[record.State]time.Duration
