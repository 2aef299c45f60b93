package sign

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sluice-gateway/sluice/persist/record"
)

// arrived is a request as a receiver has it.
type arrived struct {
	method, url string
	header      http.Header
	body        []byte
}

var errForged = errors.New("the signature is not right")

// receivers verify as the vendors tell their customers to, each by itself: none of them calls what signs.
var receivers = map[Scheme]func(r arrived) error{
	StandardWebhooks: func(r arrived) error {
		w, err := standardwebhooks.NewWebhook(standardSecret)
		if err == nil {
			err = w.VerifyIgnoringTimestamp(r.body, r.header)
		}
		return errors.Join(err, verifyV1a(r))
	},
	Chariow: func(r arrived) error {
		return verifyHex(strings.TrimPrefix(r.header.Get("x-chariow-signature"), "sha256="), string(r.body))
	},
	GitHub: func(r arrived) error {
		return verifyHex(strings.TrimPrefix(r.header.Get("X-Hub-Signature-256"), "sha256="), string(r.body))
	},
	Shopify: func(r arrived) error { return verifyBase64(r.header.Get("X-Shopify-Hmac-SHA256"), string(r.body)) },
	Slack: func(r arrived) error {
		signature, _ := strings.CutPrefix(r.header.Get("X-Slack-Signature"), "v0=")
		return verifyHex(signature, "v0:"+r.header.Get("X-Slack-Request-Timestamp")+":"+string(r.body))
	},
	Stripe: func(r arrived) error {
		at, err := "", errForged
		for item := range strings.SplitSeq(r.header.Get("Stripe-Signature"), ",") {
			switch name, value, _ := strings.Cut(item, "="); {
			case name == "t":
				at = value
			case name == "v1" && verifyHex(value, at+"."+string(r.body)) == nil:
				err = nil
			}
		}
		return err
	},
	CustomerIO: func(r arrived) error {
		return verifyHex(r.header.Get("X-CIO-Signature"), "v0:"+r.header.Get("X-CIO-Timestamp")+":"+string(r.body))
	},
	HubSpot: func(r arrived) error {
		at := r.header.Get("X-HubSpot-Request-Timestamp")
		return verifyBase64(r.header.Get("X-HubSpot-Signature-v3"), r.method+r.url+string(r.body)+at)
	},
	Klaviyo: func(r arrived) error {
		return verifyHex(r.header.Get("Klaviyo-Signature"), string(r.body)+r.header.Get("Klaviyo-Timestamp"))
	},
	Advocate: func(r arrived) error {
		set := new(jose.JSONWebKeySet)
		if err := json.Unmarshal(KeySet([]*Key{testKey}), set); err != nil {
			return err
		}
		signed, err := jose.ParseDetached(r.header.Get("X-Hook-JWS-RFC-7797"), r.body, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			return err
		}
		keys := set.Key(signed.Signatures[0].Header.KeyID)
		if len(keys) != 1 {
			return errForged
		}
		return signed.DetachedVerify(r.body, keys[0])
	},
}

// verifyV1a verifies the Ed25519 signature among those of Standard Webhooks, which its Go library passes over.
func verifyV1a(r arrived) error {
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(standardPublic, "whpk_"))
	if err != nil {
		return err
	}
	signed := r.header.Get("webhook-id") + "." + r.header.Get("webhook-timestamp") + "." + string(r.body)
	for item := range strings.SplitSeq(r.header.Get("webhook-signature"), " ") {
		text, ok := strings.CutPrefix(item, "v1a,")
		signature, err := base64.StdEncoding.Strict().DecodeString(text)
		if ok && err == nil && ed25519.Verify(public, []byte(signed), signature) {
			return nil
		}
	}
	return errForged
}

func verifyHex(signature, signed string) error {
	got, err := hex.DecodeString(signature)
	return errors.Join(err, verifyDigest(got, signed))
}

func verifyBase64(signature, signed string) error {
	got, err := base64.StdEncoding.Strict().DecodeString(signature)
	return errors.Join(err, verifyDigest(got, signed))
}

func verifyDigest(got []byte, signed string) error {
	h := hmac.New(sha256.New, []byte(standardSecret))
	h.Write([]byte(signed))
	if !hmac.Equal(got, h.Sum(nil)) {
		return errForged
	}
	return nil
}

// signers sign with what receivers know.
func signers(t testing.TB) map[Scheme]*Signer {
	all := map[Scheme]*Signer{Advocate: NewJWS(testKey)}
	for _, scheme := range Schemes() {
		secrets := []Secret{NewSecret(standardSecret)}
		if scheme == StandardWebhooks {
			secrets = append(secrets, NewSecret(standardKey))
		}
		if !scheme.Shared() {
			continue
		}
		s, err := New(scheme, secrets...)
		if err != nil {
			t.Fatal(err)
		}
		all[scheme] = s
	}
	return all
}

func arrive(m Message, headers []record.Header) arrived {
	r := arrived{method: m.Method, url: m.URL, header: http.Header{}, body: append([]byte{}, m.Body...)}
	for _, h := range headers {
		r.header.Add(h.Name, h.Value)
	}
	return r
}

func TestWhatIsSignedIsVerifiedAndAFlippedBitNever(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	all := signers(t)
	for range 30 {
		body := make([]byte, random.IntN(200))
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		m := Message{
			ID: "msg_1", At: time.Unix(random.Int64N(4e9), random.Int64N(1e9)), Method: "POST",
			URL: "https://example.com/x?y=1", Body: body,
		}
		for scheme, s := range all {
			headers, err := s.Apply(nil, m)
			if err != nil {
				t.Fatalf("%s: %v", scheme, err)
			}
			if err := receivers[scheme](arrive(m, headers)); err != nil {
				t.Fatalf("%s: %v", scheme, err)
			}
			if len(body) > 0 {
				forged := m
				forged.Body = append([]byte(nil), body...)
				forged.Body[random.IntN(len(body))] ^= 1 << random.IntN(8)
				if receivers[scheme](arrive(forged, headers)) == nil {
					t.Errorf("%s: %x passes for %x", scheme, forged.Body, body)
				}
			}
			forged := append([]record.Header(nil), headers...)
			h := &forged[random.IntN(len(forged))]
			value := []byte(h.Value)
			value[random.IntN(len(value))] ^= 1 << random.IntN(7)
			h.Value = string(value)
			if r := arrive(m, forged); foldless(h.Value) != foldless(valueOf(headers, h.Name)) && receivers[scheme](r) == nil {
				t.Errorf("%s: %s: %q passes for %q", scheme, h.Name, h.Value, valueOf(headers, h.Name))
			}
		}
	}
}

// foldless is a header's value without what hexadecimal does not tell apart.
func foldless(s string) string { return strings.ToLower(s) }

func FuzzSigned(f *testing.F) {
	f.Add("msg_1", int64(1614265330), "POST", "https://example.com/", []byte(`{"a":1}`))
	f.Add("", int64(0), "", "", []byte(nil))
	all := signers(f)
	f.Fuzz(func(t *testing.T, id string, at int64, method, url string, body []byte) {
		m := Message{ID: id, At: time.Unix(at%253402300800, 0), Method: method, URL: url, Body: body}
		for scheme, s := range all {
			headers, err := s.Apply(nil, m)
			if err != nil {
				t.Fatalf("%s: %v", scheme, err)
			}
			r := arrive(m, headers)
			if scheme == HubSpot {
				r.url = hubSpotURL(url)
			}
			if scheme == StandardWebhooks && (id == "" || at < 0) {
				continue // its library wants an id
			}
			if err := receivers[scheme](r); err != nil {
				t.Errorf("%s: %v", scheme, err)
			}
		}
	})
}

func FuzzSecret(f *testing.F) {
	for _, text := range []string{standardSecret, standardKey, standardPublic, "whsec_", "whsk_AAAA", "", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, scheme := range Schemes() {
			s, err := New(scheme, NewSecret(text))
			if err != nil {
				if !errors.Is(err, ErrSecret) {
					t.Errorf("%s: %v", scheme, err)
				}
				continue
			}
			if _, err := s.Apply(nil, standardMessage); err != nil {
				t.Errorf("%s signs not with what it took: %v", scheme, err)
			}
		}
	})
}
