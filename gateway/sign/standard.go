package sign

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/persist/record"
)

// The headers of Standard Webhooks.
const (
	standardID        = "webhook-id"
	standardTimestamp = "webhook-timestamp"
	standardSignature = "webhook-signature"
)

// newStandard returns a signer by Standard Webhooks. What is signed is id.timestamp.body.
func newStandard(secrets []Secret) (*Signer, error) {
	versions := make([]func(signed []byte) string, 0, len(secrets))
	for _, secret := range secrets {
		version, err := standardVersion(secret)
		if err != nil {
			return nil, err
		}
		versions = append(versions, version)
	}
	sign := func(m *Message) ([]record.Header, error) {
		at := strconv.FormatInt(m.At.Unix(), 10)
		signed := make([]byte, 0, len(m.ID)+len(at)+len(m.Body)+2)
		signed = append(append(signed, m.ID...), '.')
		signed = append(append(signed, at...), '.')
		signed = append(signed, m.Body...)
		signatures := make([]string, len(versions))
		for i, version := range versions {
			signatures[i] = version(signed)
		}
		return []record.Header{
			{Name: standardTimestamp, Value: at}, {Name: standardSignature, Value: strings.Join(signatures, " ")},
		}, nil
	}
	return &Signer{
		scheme: StandardWebhooks, id: standardID, own: []string{standardTimestamp, standardSignature}, sign: sign,
	}, nil
}

// standardVersion returns what makes a signature with a secret, of the version that its prefix says.
func standardVersion(s Secret) (func(signed []byte) string, error) {
	if strings.HasPrefix(s.text, privatePrefix) {
		key, err := privateKey(s)
		if err != nil {
			return nil, err
		}
		return func(signed []byte) string {
			return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed))
		}, nil
	}
	key, err := sharedKey(s)
	if err != nil {
		return nil, err
	}
	return func(signed []byte) string {
		h := hmac.New(sha256.New, key)
		h.Write(signed)
		return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}, nil
}
