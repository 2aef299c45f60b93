package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// digest is a scheme that signs with an HMAC-SHA256 whose key is the secret's text as it stands.
type digest struct {
	header string
	prefix string // before the digest
	encode func([]byte) string
	// timestamp is the header of its own that carries the instant, in the form that stamp gives it; empty: none does.
	timestamp string
	stamp     func(time.Time) string // nil: no instant is signed
	// signed are the parts that are signed, one behind the other.
	signed func(m *Message, at string) [][]byte
	// value makes the header of the digests, by each secret; nil: the newest one's behind prefix.
	value func(at string, digests []string) string
}

var digests = map[Scheme]digest{
	Chariow: {header: "x-chariow-signature", prefix: "sha256=", encode: hex.EncodeToString, signed: body},
	GitHub:  {header: "X-Hub-Signature-256", prefix: "sha256=", encode: hex.EncodeToString, signed: body},
	Shopify: {header: "X-Shopify-Hmac-Sha256", encode: base64.StdEncoding.EncodeToString, signed: body},
	Slack: {
		header: "X-Slack-Signature", prefix: "v0=", encode: hex.EncodeToString,
		timestamp: "X-Slack-Request-Timestamp", stamp: unixSeconds, signed: versionedBody,
	},
	Stripe: {
		header: "Stripe-Signature", encode: hex.EncodeToString, stamp: unixSeconds, value: stripeValue,
		signed: func(m *Message, at string) [][]byte { return [][]byte{[]byte(at), []byte("."), m.Body} },
	},
	CustomerIO: {
		header: "X-CIO-Signature", encode: hex.EncodeToString,
		timestamp: "X-CIO-Timestamp", stamp: unixSeconds, signed: versionedBody,
	},
	HubSpot: {
		header: "X-HubSpot-Signature-v3", encode: base64.StdEncoding.EncodeToString,
		timestamp: "X-HubSpot-Request-Timestamp",
		stamp:     func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) },
		signed: func(m *Message, at string) [][]byte {
			return [][]byte{[]byte(m.Method), []byte(hubSpotURL(m.URL)), m.Body, []byte(at)}
		},
	},
	Klaviyo: {
		header: "Klaviyo-Signature", encode: hex.EncodeToString,
		timestamp: "Klaviyo-Timestamp",
		stamp:     func(at time.Time) string { return at.UTC().Format(httpDate) },
		signed:    func(m *Message, at string) [][]byte { return [][]byte{m.Body, []byte(at)} },
	},
}

// httpDate is the preferred form of RFC 9110 section 5.6.7.
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

func unixSeconds(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

func body(m *Message, _ string) [][]byte { return [][]byte{m.Body} }

func versionedBody(m *Message, at string) [][]byte {
	return [][]byte{[]byte("v0:"), []byte(at), []byte(":"), m.Body}
}

func stripeValue(at string, digests []string) string {
	return "t=" + at + ",v1=" + strings.Join(digests, ",v1=")
}

// signer returns a signer by this scheme.
func (d digest) signer(scheme Scheme, secrets []Secret) *Signer {
	if d.value == nil {
		secrets = secrets[:1]
	}
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		keys[i] = []byte(secret.text)
	}
	s := &Signer{scheme: scheme, own: []string{d.header}, sign: func(m *Message) ([]record.Header, error) {
		return d.headers(m, keys), nil
	}}
	if d.timestamp != "" {
		s.own = append(s.own, d.timestamp)
	}
	return s
}

func (d digest) headers(m *Message, keys [][]byte) []record.Header {
	at := ""
	if d.stamp != nil {
		at = d.stamp(m.At)
	}
	parts := d.signed(m, at)
	digests := make([]string, len(keys))
	for i, key := range keys {
		h := hmac.New(sha256.New, key)
		for _, part := range parts {
			h.Write(part)
		}
		digests[i] = d.encode(h.Sum(nil))
	}
	value := d.prefix + digests[0]
	if d.value != nil {
		value = d.value(at, digests)
	}
	headers := []record.Header{{Name: d.header, Value: value}}
	if d.timestamp != "" {
		headers = append(headers, record.Header{Name: d.timestamp, Value: at})
	}
	return headers
}

// hubSpotURL is a URL as HubSpot signs it: these twelve are decoded ("Validating requests", table of URL-encoded
// characters), all else stays as it is called.
func hubSpotURL(url string) string {
	if !strings.Contains(url, "%") {
		return url
	}
	return hubSpotDecoder.Replace(url)
}

var hubSpotDecoder = strings.NewReplacer(
	"%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$",
	"%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
	"%3a", ":", "%2f", "/", "%3f", "?", "%2a", "*", "%2c", ",", "%3b", ";",
)
