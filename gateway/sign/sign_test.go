package sign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist/record"
)

func TestWhatTheCallerSignedIsLeftAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		scheme Scheme
		wrote  string
	}{
		"the signature":              {GitHub, "x-hub-signature-256"},
		"the timestamp alone":        {Slack, "x-slack-request-timestamp"},
		"standard webhooks' instant": {StandardWebhooks, "Webhook-Timestamp"},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []record.Header{{Name: "a", Value: "1"}, {Name: c.wrote, Value: "mine"}}
			got := apply(t, signer(t, c.scheme, standardSecret), standardMessage, headers...)
			if !reflect.DeepEqual(got, headers) {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestTheIdThatIsSentIsTheOneThatIsSigned(t *testing.T) {
	other := standardMessage
	other.ID = "another"
	got := apply(t, signer(t, StandardWebhooks, standardSecret), other, record.Header{Name: "Webhook-Id", Value: standardMessage.ID})
	if n := len(got); n != 3 || valueOf(got, standardSignature) != standardV1 || got[0].Value != standardMessage.ID {
		t.Errorf("%v", got)
	}
}

func TestHeadersOfTheCallerAreNotWrittenOver(t *testing.T) {
	room := make([]record.Header, 1, 10)
	room[0] = record.Header{Name: "a", Value: "1"}
	one := apply(t, signer(t, GitHub, "one"), standardMessage, room...)
	two := apply(t, signer(t, GitHub, "two"), standardMessage, room...)
	if len(room) != 1 || one[1] == two[1] || one[0] != room[0] {
		t.Errorf("%v, %v of %v", one, two, room)
	}
}

func TestOnlySchemesWithRoomForSeveralSignByFormerSecrets(t *testing.T) {
	at := Message{At: time.Unix(1, 0)}
	for _, scheme := range Schemes() {
		if !scheme.Shared() {
			continue
		}
		newest := apply(t, signer(t, scheme, standardSecret), at)
		both := apply(t, signer(t, scheme, standardSecret, standardKey), at)
		several := scheme == StandardWebhooks || scheme == Stripe
		if several == reflect.DeepEqual(newest, both) {
			t.Errorf("%s: %v with one secret, %v with two", scheme, newest, both)
		}
	}
}

func TestSecretsThatCannotSignAreRefusedWithoutBeingShown(t *testing.T) {
	for name, c := range map[string]struct {
		scheme  Scheme
		secrets []string
		want    string
	}{
		"none":               {GitHub, nil, "there is none"},
		"empty":              {Slack, []string{"x", ""}, "it is empty"},
		"not base64":         {StandardWebhooks, []string{"whsec_sesame!"}, "want whsec_ and base64"},
		"too short":          {StandardWebhooks, []string{"whsec_c2VzYW1l"}, "want 24 to 64"},
		"too long":           {StandardWebhooks, []string{"whsec_" + strings.Repeat("c2VzYW1l", 11)}, "has 66 bytes"},
		"a public key":       {StandardWebhooks, []string{standardPublic}, "is not base64"},
		"half a key":         {StandardWebhooks, []string{"whsk_c2VzYW1l"}, "want 64, or the seed's 32"},
		"mismatched halves":  {StandardWebhooks, []string{strings.Replace(standardKey, "6Kvg==", "6Kvw==", 1)}, "do not belong together"},
		"a key of our own":   {Advocate, []string{"sesame"}, `scheme "advocate" takes none`},
		"an unknown scheme":  {"sha1", []string{"sesame"}, "want one of standard-webhooks, chariow"},
		"one of two is poor": {StandardWebhooks, []string{standardSecret, "whsec_sesame!"}, "is not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			var secrets []Secret
			for _, text := range c.secrets {
				secrets = append(secrets, NewSecret(text))
			}
			_, err := New(c.scheme, secrets...)
			if !errors.Is(err, ErrSecret) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: want ErrSecret that says %s", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "c2VzYW1l")) {
				t.Errorf("%v: shows the secret", err)
			}
		})
	}
}

func TestSecretsShowThemselvesNowhere(t *testing.T) {
	type holder struct {
		Secret  Secret
		Pointer *Secret
	}
	secret := NewSecret("sesame")
	h := holder{secret, &secret}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{secret, &secret, h, []Secret{secret}, map[string]Secret{"a": secret}} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "sesame") || strings.Contains(text, "736573616d65") {
				t.Errorf("%s of %T: %s", format, v, text)
			}
		}
	}
	if text, err := json.Marshal(h); err == nil {
		t.Errorf("encoded as JSON: %s", text)
	}
	if b, err := cbor.Marshal(secret); err == nil {
		t.Errorf("encoded as CBOR: %x", b)
	}
	var log bytes.Buffer
	logger := zerolog.New(&log)
	logger.Info().Interface("secret", h).Stringer("one", secret).Any("any", secret).Send()
	if strings.Contains(log.String(), "sesame") {
		t.Errorf("logged: %s", &log)
	}
	if secret.Reveal() != "sesame" {
		t.Error("and who is to know it does not")
	}
}

func TestGeneratedSecretsSign(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	secret, err := GenerateSecret(random)
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range Schemes() {
		if scheme.Shared() {
			signer(t, scheme, secret.Reveal())
		}
	}
	if _, err := GenerateSecret(strings.NewReader("")); err == nil {
		t.Error("a secret was drawn of nothing")
	}
}

func TestASigningKeyIsThePublishedPublicKeys(t *testing.T) {
	for _, key := range []string{standardKey, "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="} {
		if public, ok := NewSecret(key).PublicKey(); !ok || public != standardPublic {
			t.Errorf("%s, want %s", public, standardPublic)
		}
	}
	for _, other := range []string{standardSecret, "whsk_", "whsk_AAAA", ""} {
		if public, ok := NewSecret(other).PublicKey(); ok {
			t.Errorf("%s is the public key of %q", public, other)
		}
	}
}
