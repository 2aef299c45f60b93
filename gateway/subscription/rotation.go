package subscription

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// ParseRotation reads what a rotation asks for: a secret (empty: one is to be made), and for how long those before it go
// on signing. An empty text asks for neither.
func ParseRotation(text []byte) (secret string, overlap time.Duration, faults webhook.Faults) {
	if len(bytes.TrimSpace(text)) == 0 {
		return "", DefaultOverlap, nil
	}
	o, faults := parseObject(text, "a rotation", []string{"secret", "overlap"})
	if faults != nil {
		return "", 0, faults
	}
	secret, overlap = o.secret(), DefaultOverlap
	if raw := o.members["overlap"]; raw != nil {
		var s string
		if raw.Kind() == '"' {
			_ = json.Unmarshal(raw, &s) // the decoder has checked it
		}
		var err error
		if overlap, err = time.ParseDuration(s); err != nil || overlap < 0 || overlap > MaxOverlap {
			o.fault("/overlap", webhook.Shorten(string(raw)), "is no time from 0 to "+MaxOverlap.String(), `as in "24h", which is the default`)
		}
	}
	return secret, overlap, o.faults
}
