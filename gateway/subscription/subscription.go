// Package subscription is what turns events into webhooks: it keeps the subscriptions, the endpoints that are told of
// events, finds those that an event is for, makes one webhook for each, and disables those that their policy's rule says
// to disable.
//
// A delivery is a webhook like any other, whose flow is the subscription's id: what holds, cancels or paces a flow holds,
// cancels or paces a subscription. What is saved of a subscription is what is to be: its flow follows, when that changes and
// again at each start, so that no crash leaves the two apart (replace.go).
//
// The package never sends a delivery, never reads a socket and knows nothing of HTTP; it keeps all subscriptions in memory, at
// most MaxSubscriptions, and whatever of them must survive in the Store.
package subscription

import "time"

// Bounds. Sizes are in bytes.
const (
	MaxSubscriptions = 100_000 // in a process; some 2 KiB of memory each, and their filters
	MaxOfTenant      = 10_000  // of one tenant, and with it the deliveries of one event

	MaxType     = 128
	MaxTypes    = 100      // of one subscription
	MaxProducts = 1_000    // of one subscription, or of one event
	MaxName     = 256      // of a subscription, a product
	MaxID       = 128      // of an event
	MaxAddress  = 32 << 10 // of a subscription's URL, headers and metadata together
	MaxPublish  = 10_000   // events in one request

	MinSecret = 16
	MaxSecret = 512

	// DefaultOverlap is how long the secret before the last still signs.
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 30 * 24 * time.Hour

	// MinKeep is how long an event is known by its id at least; the retention of metadata when that is longer.
	MinKeep = 24 * time.Hour
)

// DefaultPolicy is what a subscription is delivered under that names no policy.
const DefaultPolicy = "standard-webhooks"
