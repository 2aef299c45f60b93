package webhook

import (
	"strings"

	"github.com/sluice-gateway/sluice/persist/record"
)

// By is what a host's limit is by, in the words of the configuration.
type By string

// What limits are by. The zero value is ByHost.
const (
	ByHost          By = "host"
	ByAuthorization By = "authorization" // the Authorization header's value
	ByPath          By = "path"
	ByLimitKey      By = "limit_key" // the definition's field
)

// LaneBy says what a host's limit is by. The zero value: by host, all its webhooks in one lane.
type LaneBy struct {
	By By
	// Segments is how many segments of the path count under ByPath; 0: the whole path.
	Segments int
}

// Key returns the key of a lane for a webhook that no definition made; path is its URL's.
func (l LaneBy) Key(secret *[32]byte, w *record.Webhook, path string) record.Digest {
	return l.key(secret, w, path, "")
}

// key returns the lane's key: zero where the limit is the whole host's, or where the webhook lacks what it is by.
func (l LaneBy) key(secret *[32]byte, w *record.Webhook, path, limitKey string) record.Digest {
	var value string
	switch l.By {
	case ByAuthorization:
		if w.Credential != "" {
			value = "\x00" + w.Credential // its name, which no header's value is: the value changes, and whose it is does not
			break
		}
		for i := range w.Headers {
			if strings.EqualFold(w.Headers[i].Name, "Authorization") {
				value = w.Headers[i].Value
				break
			}
		}
	case ByPath:
		value = pathPrefix(path, l.Segments)
	case ByLimitKey:
		value = limitKey
	}
	if value == "" {
		return record.Digest{}
	}
	return keyed(secret, string(l.By), value)
}

// pathPrefix returns the first n segments of a path, all of them when n is 0.
func pathPrefix(path string, n int) string {
	if n <= 0 {
		return path
	}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			if n--; n == 0 {
				return path[:i]
			}
		}
	}
	return path
}
