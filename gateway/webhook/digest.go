package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/sluice-gateway/sluice/persist/record"
)

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
