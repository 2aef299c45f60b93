package sign

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// vector is what a scheme must make of a message, and where that is published.
type vector struct {
	name    string
	source  string
	scheme  Scheme
	secrets []string
	m       Message
	want    map[string]string // by header
}

// The message of Standard Webhooks' own libraries (github.com/standard-webhooks/standard-webhooks, libraries/go,
// webhook_test.go) and of Svix' server (github.com/svix/svix-webhooks, server/svix-server/src/core/webhook_http_client
// and worker tests), whose asymmetric keys the specification took over.
var standardMessage = Message{
	ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", At: time.Unix(1614265330, 0), Body: []byte(`{"test": 2432232314}`),
}

const (
	standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	standardV1     = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	standardKey    = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	standardPublic = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	standardV1a    = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)

var vectors = []vector{
	{
		name: "standard webhooks, symmetric", source: "standard-webhooks libraries, webhook_test.go",
		scheme: StandardWebhooks, secrets: []string{standardSecret}, m: standardMessage,
		want: map[string]string{
			"webhook-id": standardMessage.ID, "webhook-timestamp": "1614265330", "webhook-signature": standardV1,
		},
	},
	{
		name: "standard webhooks, asymmetric", source: "svix-webhooks server, test_asymmetric_key_signing",
		scheme: StandardWebhooks, secrets: []string{standardKey}, m: standardMessage,
		want: map[string]string{"webhook-timestamp": "1614265330", "webhook-signature": standardV1a},
	},
	{
		name: "standard webhooks during a rotation", source: "the two before",
		scheme: StandardWebhooks, secrets: []string{standardKey, standardSecret}, m: standardMessage,
		want: map[string]string{"webhook-signature": standardV1a + " " + standardV1},
	},
	{
		name: "chariow", source: "RFC 4231 section 4.3, over a body",
		scheme: Chariow, secrets: []string{"Jefe"}, m: Message{Body: []byte("what do ya want for nothing?")},
		want: map[string]string{
			"x-chariow-signature": "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		},
	},
	{
		name: "github", source: "GitHub Docs, Validating webhook deliveries, Testing the webhook payload validation",
		scheme: GitHub, secrets: []string{"It's a Secret to Everybody"}, m: Message{Body: []byte("Hello, World!")},
		want: map[string]string{
			"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		},
	},
	{
		name: "shopify", source: "RFC 4231 section 4.3, over a body",
		scheme: Shopify, secrets: []string{"Jefe"}, m: Message{Body: []byte("what do ya want for nothing?")},
		want: map[string]string{"X-Shopify-Hmac-Sha256": "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="},
	},
	{
		name: "slack", source: "Slack, Verifying requests from Slack, A recipe for security",
		scheme: Slack, secrets: []string{"8f742231b10e8888abcd99yyyzzz85a5"},
		m: Message{At: time.Unix(1531420618, 0), Body: []byte("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J" +
			"&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner" +
			"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J" +
			"%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")},
		want: map[string]string{
			"X-Slack-Signature":         "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
			"X-Slack-Request-Timestamp": "1531420618",
		},
	},
	{
		name: "stripe", source: "hexdocs.pm/mux, Mux.Webhooks.TestUtils, whose scheme is Stripe's; Stripe publishes no vector",
		scheme: Stripe, secrets: []string{"SuperSecret123"},
		m: Message{At: time.Unix(1591664030, 0), Body: []byte("payload")},
		want: map[string]string{
			"Stripe-Signature": "t=1591664030,v1=e43496b6aae982c4c2fd6f8e92935f1d90216f1f64d56024e72390acfb988272",
		},
	},
	{
		name: "customer.io", source: "the published recipe, by Python's hmac; Customer.io publishes no vector",
		scheme: CustomerIO, secrets: []string{"shh"},
		m: Message{At: time.Unix(1583527200, 0), Body: []byte(vendorBody)},
		want: map[string]string{
			"X-CIO-Signature": "0b39fe8fe75c2beb1846186431b06e9527ae0c65f000ee00e78756125660416d", "X-CIO-Timestamp": "1583527200",
		},
	},
	{
		name: "hubspot", source: "hubspot-api-python, tests/unit/utils/test_signature.py",
		scheme: HubSpot, secrets: []string{"yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"},
		m: Message{
			At: time.UnixMilli(1693657560000), Method: "POST", URL: "https://www.example.com/webhook_uri",
			Body: []byte("{'example_field':'example_value'}"),
		},
		want: map[string]string{
			"X-HubSpot-Signature-v3":      "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
			"X-HubSpot-Request-Timestamp": "1693657560000",
		},
	},
	{
		name: "klaviyo", source: "the published recipe, by Python's hmac; Klaviyo publishes no vector",
		scheme: Klaviyo, secrets: []string{"shh"},
		m: Message{At: time.Date(2024, 1, 4, 18, 5, 25, 999, time.UTC).In(time.FixedZone("", 3600)), Body: []byte(vendorBody)},
		want: map[string]string{
			"Klaviyo-Signature": "0b6408d217febfc079f113a859630d52978a43b059689f553ede9e927c50c1aa", "Klaviyo-Timestamp": "Thu, 04 Jan 2024 18:05:25 GMT",
		},
	},
}

const vendorBody = `{"event_id":"01E2EMRMM6TZ12TF9WGZN0WJQT","metric":"sent"}`

func TestSignaturesAreThePublishedOnes(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			got := apply(t, signer(t, v.scheme, v.secrets...), v.m)
			for name, want := range v.want {
				if value := valueOf(got, name); value != want {
					t.Errorf("%s: %q\nwant %q (%s)", name, value, want, v.source)
				}
			}
		})
	}
}

func TestEverySchemeHasAVector(t *testing.T) {
	for _, scheme := range Schemes() {
		has := scheme == Advocate // jws_test.go
		for _, v := range vectors {
			has = has || v.scheme == scheme
		}
		if !has {
			t.Errorf("%s has none", scheme)
		}
	}
}

// HubSpot, "Validating requests": the table of what is decoded in the URL. What is not in it stays.
func TestHubSpotSignsTheURLDecodedAsItsTableSays(t *testing.T) {
	const url = "https://example.com/a%3Ab%2Fc%3fd%40e%21%24%27%28%29%2a%2C%3B?q=x%20y%26z%3D1%E2%82%AC"
	if got, want := hubSpotURL(url), "https://example.com/a:b/c?d@e!$'()*,;?q=x%20y%26z%3D1%E2%82%AC"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func signer(t *testing.T, scheme Scheme, secrets ...string) *Signer {
	t.Helper()
	all := make([]Secret, len(secrets))
	for i, text := range secrets {
		all[i] = NewSecret(text)
	}
	s, err := New(scheme, all...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func apply(t *testing.T, s *Signer, m Message, headers ...record.Header) []record.Header {
	t.Helper()
	got, err := s.Apply(headers, m)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func valueOf(headers []record.Header, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}
