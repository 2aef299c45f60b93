package sign

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/sluice-gateway/sluice/persist/record"
)

const (
	jwsHeader = "X-Hook-JWS-RFC-7797"
	keyBits   = 2048 // RS256 wants at least so many (RFC 7518 section 3.3)
	pemType   = "PRIVATE KEY"
)

// Key is an RSA key of the gateway's own. It shows its private part nowhere but in PEM.
type Key struct {
	private *rsa.PrivateKey
	public  jwk
}

// jwk is a public key as it is published (RFC 7517, RFC 7518 section 6.3.1).
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	N         string `json:"n"`
	E         string `json:"e"`
}

// GenerateKey draws a key of 2,048 bits.
func GenerateKey(random io.Reader) (*Key, error) {
	private, err := rsa.GenerateKey(random, keyBits)
	if err != nil {
		return nil, fmt.Errorf("generating a signing key: %w", err)
	}
	return newKey(private)
}

// ParseKey reads what PEM wrote: a PKCS #8 private key, RSA, of 2,048 bits or more.
func ParseKey(text []byte) (*Key, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, errors.New("signing key: no PEM block of the type " + pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < keyBits {
		return nil, fmt.Errorf("signing key: want RSA of %d bits or more, for RS256", keyBits)
	}
	return newKey(private)
}

func newKey(private *rsa.PrivateKey) (*Key, error) {
	base64url := base64.RawURLEncoding.EncodeToString
	n, e := base64url(private.N.Bytes()), base64url(big.NewInt(int64(private.E)).Bytes())
	// Its thumbprint: RFC 7638 section 3, the members that are required, in lexicographic order, without white space.
	thumb := sha256.Sum256([]byte(`{"e":"` + e + `","kty":"RSA","n":"` + n + `"}`))
	return &Key{private, jwk{Type: "RSA", Use: "sig", Algorithm: "RS256", ID: base64url(thumb[:]), N: n, E: e}}, nil
}

// ID is by which a signature names the key: its thumbprint (RFC 7638).
func (k *Key) ID() string { return k.public.ID }

// PEM returns the private key for whoever keeps it, as PKCS #8.
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("encoding a signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// String is the key's id.
func (k *Key) String() string { return "key " + k.public.ID }

// Format shows the id whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// KeySet returns the public parts of keys as a JWK Set (RFC 7517 section 5), in their order.
func KeySet(keys []*Key) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{make([]jwk, len(keys))}
	for i, k := range keys {
		set.Keys[i] = k.public
	}
	text, _ := json.Marshal(set) // strings only: it cannot fail
	return text
}

// NewJWS returns a signer by Advocate with a key. The protected header names the key by its id.
func NewJWS(key *Key) *Signer {
	base64url := base64.RawURLEncoding
	head := base64url.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"` + key.ID() + `"}`))
	return &Signer{scheme: Advocate, own: []string{jwsHeader}, sign: func(m *Message) ([]record.Header, error) {
		signed := make([]byte, 0, len(head)+1+base64url.EncodedLen(len(m.Body)))
		signed = base64url.AppendEncode(append(append(signed, head...), '.'), m.Body)
		sum := sha256.Sum256(signed)
		// RSASSA-PKCS1-v1_5 takes no randomness (RFC 8017 section 8.2.1).
		signature, err := rsa.SignPKCS1v15(nil, key.private, crypto.SHA256, sum[:])
		if err != nil {
			return nil, err
		}
		return []record.Header{{Name: jwsHeader, Value: head + ".." + base64url.EncodeToString(signature)}}, nil
	}}
}
