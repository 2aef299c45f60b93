package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
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

// keyed is a digest of a value that tells nothing of it without the secret; kind keeps those of one sort apart from others'.
func keyed(secret *[32]byte, kind, value string) record.Digest {
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte(kind))
	mac.Write([]byte{0})
	mac.Write([]byte(value))
	return record.Digest(mac.Sum(nil)[:16])
}

// SubjectDigest is how a store knows whom a webhook is about.
func SubjectDigest(secret *[32]byte, subject string) record.Digest {
	return keyed(secret, "subject", subject)
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

// OrderingDigest is how a queue knows an ordering key: plain, because the queue says whose it is.
func OrderingDigest(key string) record.Digest {
	sum := sha256.Sum256([]byte(key))
	return record.Digest(sum[:16])
}

// Single is the item number of a request that is not a batch.
const Single = -1

// IdempotencyKey returns the digest under which a request is known: of the tenant, the key and, for a batch that was
// sent under one key, the item's place in it.
func IdempotencyKey(tenant, key string, item int) [32]byte {
	b := make([]byte, 0, 64+len(tenant)+len(key))
	b = binary.AppendUvarint(b, uint64(len(tenant)))
	b = append(b, tenant...)
	b = binary.AppendVarint(b, int64(item))
	return sha256.Sum256(append(b, key...))
}

// Fingerprint is a digest of what a webhook asks for: equal for definitions that mean the same, however they were
// written. What this gateway's configuration adds (the lane) has no part in it.
func Fingerprint(w *record.Webhook) [16]byte {
	asked := *w
	asked.LaneKey, asked.Trace = record.Digest{}, ""
	sum := sha256.Sum256(asked.Encode())
	return [16]byte(sum[:16])
}
