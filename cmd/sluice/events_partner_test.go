package main_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// partner is an endpoint that keeps what it is sent, and refuses one event in seven while it is ill.
type partner struct {
	*httptest.Server
	ill atomic.Bool
	mu  sync.Mutex
	got []delivery
}

// delivery is a request as its endpoint has it.
type delivery struct {
	header  http.Header
	body    []byte
	event   int // its number
	refused bool
}

var eventNumber = regexp.MustCompile(`"n":(\d+)`)

// refuses reports whether an event is one that partners refuse while they are ill.
func refuses(event int) bool { return event%7 == 0 }

func newPartner(t *testing.T) *partner {
	p := &partner{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := delivery{header: r.Header.Clone(), event: -1}
		d.body, _ = io.ReadAll(r.Body)
		if found := eventNumber.FindSubmatch(d.body); found != nil {
			d.event, _ = strconv.Atoi(string(found[1]))
		}
		d.refused = p.ill.Load() && refuses(d.event)
		if d.refused {
			w.WriteHeader(http.StatusInternalServerError)
		}
		p.mu.Lock()
		p.got = append(p.got, d)
		p.mu.Unlock()
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *partner) deliveries() []delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[:len(p.got):len(p.got)]
}

var errForged = errors.New("the signature is not right")

// byStandardWebhooks verifies with the public library, by each of some secrets.
func byStandardWebhooks(d *delivery, secrets ...string) error {
	for i, secret := range secrets {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err == nil {
			err = verifier.Verify(d.body, d.header)
		}
		if err != nil {
			return fmt.Errorf("by secret %d: %w", i, err)
		}
	}
	return nil
}

// byHMAC verifies as receivers of Pulses do: sha256= and the hexadecimal HMAC of the body.
func byHMAC(d *delivery, secret string) error {
	text, ok := strings.CutPrefix(d.header.Get("x-chariow-signature"), "sha256=")
	given, err := hex.DecodeString(text)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(d.body)
	if !ok || err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return errForged
	}
	return nil
}

// byJWS verifies a detached JWS with the key of a set that it names, and returns which that is.
func byJWS(d *delivery, set *jose.JSONWebKeySet) (kid string, err error) {
	signed, err := jose.ParseDetached(d.header.Get("X-Hook-JWS-RFC-7797"), d.body, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", err
	}
	kid = signed.Signatures[0].Header.KeyID
	keys := set.Key(kid)
	if len(keys) != 1 {
		return kid, fmt.Errorf("%d keys are published under %q", len(keys), kid)
	}
	return kid, signed.DetachedVerify(d.body, keys[0])
}
