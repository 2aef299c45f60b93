// Package seal encrypts what is kept on disk: one key, read from a file, of which each use derives one of its own.
//
// Messages are sealed by XAES-256-GCM (c2sp.org/XAES-256-GCM): AES-256-GCM with a key derived for each message from a
// random nonce of 192 bits, so that one key seals as many messages as there will ever be. What was changed, cut, or
// belongs elsewhere does not open. It hides contents, not that there are any, how many, how long and when.
//
// It reads the one file that it is given, and never writes.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Key is the secret from which all others are derived. The zero Key is none. It shows itself nowhere.
type Key struct{ secret string }

// NewKey makes a key of 16, 24 or 32 bytes, as AES has them. Whatever its length, what is derived of it has 32 bytes; it
// is as strong as what it was made of.
func NewKey(b []byte) (Key, error) {
	if !isKeySize(len(b)) {
		return Key{}, fmt.Errorf("%w: %d bytes, want 16, 24 or 32", ErrKey, len(b))
	}
	return Key{string(b)}, nil
}

// ErrKey is wrapped by every error about a key that cannot be used. None of them shows it.
var ErrKey = errors.New("unusable encryption key")

func isKeySize(n int) bool { return n == 16 || n == 24 || n == 32 }

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.secret == "" }

// Format masks the key, whatever the verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "********") }

// MarshalText refuses: a key is not to be written anywhere.
func (Key) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%w: it is not to be encoded", ErrKey)
}

// Derive returns 32 bytes for one purpose (HKDF-SHA256, RFC 5869): whoever has them learns nothing of the key, nor of
// what other purposes get.
func (k Key) Derive(purpose string) []byte {
	b, err := hkdf.Key(sha256.New, []byte(k.secret), nil, "sluice "+purpose, 32)
	if err != nil {
		panic(err) // 32 bytes are within its bounds
	}
	return b
}

// Overhead is by how many bytes a sealed message is longer than what it holds.
const Overhead = nonceSize + tagSize

const (
	nonceSize = 24
	tagSize   = 16
)

// ErrSealed says that something does not open: it is damaged, or was sealed with another key or for another place.
var ErrSealed = errors.New("sealed with another key or for another place, or damaged")

// Sealer seals and opens messages of one purpose, and hashes names of it. Many may use it at once.
type Sealer struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // of CMAC (NIST SP 800-38B): what its last whole block is changed by
	// hashing is the key of Hash.
	hashing []byte
}

// Sealer returns the sealer of one purpose; nil where there is no key.
func (k Key) Sealer(purpose string) *Sealer {
	if k.IsZero() {
		return nil
	}
	return newSealer(k.Derive(purpose))
}

func newSealer(key []byte) *Sealer {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	s := &Sealer{block: block, hashing: hashKey(key)}
	s.block.Encrypt(s.k1[:], s.k1[:])
	carry := byte(0)
	for i := len(s.k1) - 1; i >= 0; i-- {
		s.k1[i], carry = s.k1[i]<<1|carry, s.k1[i]>>7
	}
	s.k1[len(s.k1)-1] ^= carry * 0x87
	return s
}

// Seal appends a message, sealed, to dst: its nonce, what hides it, and its tag. Only who names the same place opens it.
func (s *Sealer) Seal(dst, message, place []byte) []byte {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // never fails
	return s.seal(append(dst, nonce[:]...), nonce[:], message, place)
}

func (s *Sealer) seal(dst, nonce, message, place []byte) []byte {
	return s.aead(nonce).Seal(dst, nonce[12:], message, place)
}

// Open returns the message that was sealed for a place, in memory of its own, or ErrSealed.
func (s *Sealer) Open(sealed, place []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, ErrSealed
	}
	message, err := s.aead(sealed[:nonceSize]).Open(nil, sealed[12:nonceSize], sealed[nonceSize:], place)
	if err != nil {
		return nil, ErrSealed
	}
	return message, nil
}

// aead is AES-256-GCM with the key that the first half of a nonce makes: two blocks of CMAC, as NIST SP 800-108r1 derives
// keys in counter mode.
func (s *Sealer) aead(nonce []byte) cipher.AEAD {
	var key [32]byte
	for i := range 2 {
		b := key[i*aes.BlockSize : (i+1)*aes.BlockSize]
		copy(b, []byte{0, byte(i + 1), 'X', 0})
		copy(b[4:], nonce[:12])
		for j := range b {
			b[j] ^= s.k1[j]
		}
		s.block.Encrypt(b, b)
	}
	block, err := aes.NewCipher(key[:])
	if err == nil {
		var gcm cipher.AEAD
		if gcm, err = cipher.NewGCM(block); err == nil {
			return gcm
		}
	}
	panic(err) // 32 bytes are a key, and AES has GCM's block
}
