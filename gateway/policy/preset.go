package policy

import (
	"maps"
	"slices"
	"time"
)

// DefaultPreset is what a policy extends that names no other.
const DefaultPreset = "braze"

var presets = map[string]*Policy{"braze": &braze}

// Preset returns a preset by its name. It must not be changed; Resolve makes variants.
func Preset(name string) (*Policy, bool) {
	p, ok := presets[name]
	return p, ok
}

// PresetNames returns the names of all presets, sorted.
func PresetNames() []string { return slices.Sorted(maps.Keys(presets)) }

// braze treats webhooks as Braze's documentation of webhooks describes ("Create a webhook", sections on response
// handling, errors and retries, and the webhook object of the messaging API). Documented: the four methods; a time-out
// of 90 s in all; up to 5 retries, exponential, within 30 minutes, spread over up to 24 hours when the host cannot be
// reached; no header of its own. The gaps between retries are published nowhere: those here begin where a short blip
// is over and use the time well: 10, 30, 90, 270, 810 s are 20 min 10 s, which full jitter stretches to 24 min 12 s;
// 1, 6, 36, 216 min and 12 h are 16 h 19 min, which it stretches to 19 h 35 min.
var braze = Policy{
	Name:           "braze",
	Timeout:        90 * time.Second,
	ConnectTimeout: 10 * time.Second,
	MaxAge:         24 * time.Hour,
	Methods:        []string{"POST", "PUT", "DELETE", "GET"},
	Retry: Schedule{
		Base: 10 * time.Second, Factor: 3, Jitter: 0.2,
		Retries: 5, Within: 30 * time.Minute,
	},
	Unreachable: Schedule{
		Base: time.Minute, Factor: 6, Cap: 12 * time.Hour, Jitter: 0.2,
		Retries: 5, Within: 24 * time.Hour,
	},
	Throttle: Backoff{Base: time.Second, Factor: 2, Cap: time.Minute, Jitter: 0.2},
}
