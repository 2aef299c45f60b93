package sign

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Secret is what a signature is made with. It shows itself nowhere: printed it is a mask, and it refuses to be encoded;
// Reveal is for whoever keeps it, and for the one answer that tells it.
type Secret struct{ text string }

// NewSecret returns a secret of its text as sender and receiver know it, prefix and all.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the secret's text.
func (s Secret) Reveal() string { return s.text }

// Empty reports whether there is nothing to sign with.
func (s Secret) Empty() bool { return s.text == "" }

const masked = "********"

// String masks the secret.
func (Secret) String() string { return masked }

// GoString masks the secret for %#v.
func (Secret) GoString() string { return masked }

// Format masks the secret whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

var errEncoded = errors.New("a signing secret is not to be encoded")

// MarshalText refuses: a secret that was masked silently would be lost where it is stored.
func (Secret) MarshalText() ([]byte, error) { return nil, errEncoded }

// MarshalBinary refuses, as MarshalText does.
func (Secret) MarshalBinary() ([]byte, error) { return nil, errEncoded }

// The prefixes of the secrets of Standard Webhooks ("Signature scheme"): of a symmetric secret, a private key and a public
// one; base64 follows.
const (
	sharedPrefix  = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// A symmetric secret has 24 to 64 bytes (Standard Webhooks, "Symmetric").
const (
	minSharedSize = 24
	maxSharedSize = 64
	newSharedSize = 32
)

// GenerateSecret draws a whsec_ secret of 32 bytes. All schemes that are Shared can sign with it.
func GenerateSecret(random io.Reader) (Secret, error) {
	var b [newSharedSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Secret{}, fmt.Errorf("drawing a signing secret: %w", err)
	}
	return NewSecret(sharedPrefix + base64.StdEncoding.EncodeToString(b[:])), nil
}

// sharedKey reads a whsec_ secret; the prefix may be left out.
func sharedKey(s Secret) ([]byte, error) {
	key, err := decoded(s, sharedPrefix)
	if err != nil {
		return nil, err
	}
	if len(key) < minSharedSize || len(key) > maxSharedSize {
		return nil, fmt.Errorf("%w: its base64 has %d bytes: want %d to %d", ErrSecret, len(key), minSharedSize, maxSharedSize)
	}
	return key, nil
}

// PublicKey returns the whpk_ key by which receivers verify what a whsk_ secret signs (Standard Webhooks, "Asymmetric"); false of
// secrets of other kinds.
func (s Secret) PublicKey() (string, bool) {
	if !strings.HasPrefix(s.text, privatePrefix) {
		return "", false
	}
	key, err := privateKey(s)
	if err != nil {
		return "", false
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:]), true
}

// privateKey reads a whsk_ secret: the 64 bytes of seed and public key, or the seed's 32 alone.
func privateKey(s Secret) (ed25519.PrivateKey, error) {
	b, err := decoded(s, privatePrefix)
	if err != nil {
		return nil, err
	}
	switch len(b) {
	case ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(b), nil
	case ed25519.PrivateKeySize:
		key := ed25519.NewKeyFromSeed(b[:ed25519.SeedSize])
		if !key.Equal(ed25519.PrivateKey(b)) {
			return nil, fmt.Errorf("%w: its two halves do not belong together: want a seed and its public key", ErrSecret)
		}
		return key, nil
	}
	return nil, fmt.Errorf("%w: its base64 has %d bytes: want %d, or the seed's %d", ErrSecret, len(b),
		ed25519.PrivateKeySize, ed25519.SeedSize)
}

// decoded reads the base64 behind a prefix, padded or not. Its error shows nothing of it.
func decoded(s Secret, prefix string) ([]byte, error) {
	text := strings.TrimRight(strings.TrimPrefix(s.text, prefix), "=")
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not base64: want %s and base64 behind it", ErrSecret, prefix)
	}
	return b, nil
}
