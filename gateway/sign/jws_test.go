package sign

import (
	crand "crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// testKey is drawn once: finding primes takes a while.
var testKey = func() *Key {
	k, err := GenerateKey(crand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}()

// The key of RFC 7638 section 3.1, and its thumbprint.
func TestKeyIsNamedByItsThumbprint(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" +
		"oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q" +
		"MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK" +
		"nqDKgw"
	modulus, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKey(&rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537}})
	if err != nil || k.ID() != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" || k.public.N != n || k.public.E != "AQAB" {
		t.Errorf("%s, %+v, %v", k.ID(), k.public, err)
	}
}

func TestJWSIsDetachedAndNamesItsKey(t *testing.T) {
	got := apply(t, NewJWS(testKey), Message{Body: []byte(`{"id":"1"}`)})
	head, rest, _ := strings.Cut(valueOf(got, "X-Hook-JWS-RFC-7797"), ".")
	payload, signature, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil || payload != "" || len(signature) != base64.RawURLEncoding.EncodedLen(256) {
		t.Fatalf("%v", got)
	}
	if want := `{"alg":"RS256","typ":"JWT","kid":"` + testKey.ID() + `"}`; string(text) != want {
		t.Errorf("%s, want %s", text, want)
	}
}

func TestKeySetTellsPublicPartsOnly(t *testing.T) {
	text := KeySet([]*Key{testKey})
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	for name := range set.Keys[0] {
		if !slices.Contains([]string{"kty", "use", "alg", "kid", "n", "e"}, name) {
			t.Errorf("member %q", name)
		}
	}
	if got := string(KeySet(nil)); got != `{"keys":[]}` {
		t.Errorf("of none: %s", got)
	}
}

func TestKeyIsReadBackAndPrintsItsIdOnly(t *testing.T) {
	text, err := testKey.PEM()
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKey(text)
	if err != nil || k.ID() != testKey.ID() {
		t.Fatalf("%v, %v", k, err)
	}
	if got := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Count(got, k.ID()) != 4 || len(got) > 4*60 {
		t.Errorf("printed as %s", got)
	}
}

func TestKeysThatCannotSignAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "no PEM block",
		"-----BEGIN PRIVATE KEY-----": "no PEM block",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n":                                                             "signing key: ",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n":                                                             "no PEM block",
		"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n": "want RSA of 2048 bits", // RFC 8410 section 10.3
	} {
		if k, err := ParseKey([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, k, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	text, err := testKey.PEM()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParseKey(text); err == nil {
			if again, err := k.PEM(); err != nil || len(again) == 0 {
				t.Errorf("%v is read and not written: %v", k, err)
			}
		}
	})
}
