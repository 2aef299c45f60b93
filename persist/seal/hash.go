package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// hashKey derives what a Sealer hashes with, so that it is never what it seals with.
func hashKey(key []byte) []byte {
	b, err := hkdf.Key(sha256.New, key, nil, "sluice hash", sha256.Size)
	if err != nil {
		panic(err) // 32 bytes are within its bounds
	}
	return b
}

// Hash is HMAC-SHA256 of a text: the same one for the same text and key, and nothing that whoever lacks the key could try
// texts against.
func (s *Sealer) Hash(text string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, s.hashing)
	h.Write([]byte(text))
	h.Sum(sum[:0])
	return sum
}
