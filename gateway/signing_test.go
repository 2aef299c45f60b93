package gateway_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// arrival is a call as its destination has it.
type arrival struct {
	at     time.Time
	header http.Header
	body   []byte
}

// receiver adds a destination that keeps what arrives, and refuses the first calls.
func (w *world) receiver(addr string, refuses int) *[]arrival {
	var arrived []arrival
	w.scripted(addr, func(ctx *fasthttp.RequestCtx) {
		a := arrival{time.Now(), http.Header{}, bytes.Clone(ctx.Request.Body())}
		for name, value := range ctx.Request.Header.All() {
			a.header.Add(string(name), string(value))
		}
		arrived = append(arrived, a)
		if len(arrived) <= refuses {
			ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		}
	})
	return &arrived
}

func (w *world) accepted(definition string) string {
	w.t.Helper()
	status, text := w.ask("POST", "/v1/webhooks", "application/json", []byte(definition))
	var answer struct{ ID string }
	if err := json.Unmarshal(text, &answer); status != fasthttp.StatusAccepted || err != nil {
		w.t.Fatalf("%d: %s (%v)", status, text, err)
	}
	return answer.ID
}

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEachAttemptIsSignedAnewUnderTheSameId(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		arrived := w.receiver("api.example.com:80", 2)
		text := "policies: {signed: {extends: standard-webhooks, schemes: [http], sign: [{scheme: standard-webhooks, secret_file: " +
			secretFile(t, testSecret+"\n") + "}]}}"
		w.file(&text)
		w.start()
		w.accepted(`{"url": "http://api.example.com/", "policy": "signed", "body": {"n": 1}}`)
		time.Sleep(time.Hour)
		verifier, err := standardwebhooks.NewWebhook(testSecret)
		if err != nil {
			t.Fatal(err)
		}
		if len(*arrived) != 3 {
			t.Fatalf("%d calls, want two that fail and one", len(*arrived))
		}
		for i, a := range *arrived {
			if err := verifier.VerifyIgnoringTimestamp(a.body, a.header); err != nil {
				t.Errorf("call %d: %v", i, err)
			}
			if at := a.header.Get("webhook-timestamp"); at != strconv.FormatInt(a.at.Unix(), 10) {
				t.Errorf("call %d at %d says %s", i, a.at.Unix(), at)
			}
			if id := a.header.Get("webhook-id"); id != (*arrived)[0].header.Get("webhook-id") {
				t.Errorf("call %d has the id %s, and the first one another", i, id)
			}
		}
		w.close()
	})
}

func TestARotatedKeyOfTheGatewaySignsAndTheFormerOneIsPublishedStillAlsoAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		arrived := w.receiver("api.example.com:80", 0)
		w.start()
		send := func() {
			t.Helper()
			w.accepted(`{"url": "http://api.example.com/", "policy": "advocate", "body": {"n": 1}}`)
			time.Sleep(time.Minute)
		}
		send()
		w.shutdown()
		w.start()
		send()
		for range 2 {
			admin := &fasthttp.HostClient{Addr: "127.0.0.1", Dial: w.dialAdmin}
			if status, text := w.exchange(admin, "POST", "/signing-keys/rotate", "", nil); status != fasthttp.StatusOK {
				t.Fatalf("%d: %s", status, text)
			}
			admin.CloseIdleConnections()
			send()
		}
		w.shutdown()
		w.start()
		status, text := w.ask("GET", "/.well-known/jwks.json", "", nil)
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(text, &set); status != fasthttp.StatusOK || err != nil || len(set.Keys) != 2 {
			t.Fatalf("%d: %s (%v); want two keys", status, text, err)
		}
		var ids []string
		for i, a := range *arrived {
			signed, err := jose.ParseDetached(a.header.Get("X-Hook-JWS-RFC-7797"), a.body, []jose.SignatureAlgorithm{jose.RS256})
			if err != nil {
				t.Fatal(err)
			}
			id := signed.Signatures[0].Header.KeyID
			ids = append(ids, id)
			if keys := set.Key(id); i >= 2 {
				if err := signed.DetachedVerify(a.body, keys[0]); err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			} else if len(keys) != 0 {
				t.Errorf("call %d was signed two keys ago, and its key is published still", i)
			}
		}
		if len(ids) != 4 || ids[0] != ids[1] || ids[1] == ids[2] || ids[2] == ids[3] {
			t.Errorf("signed by %v: want one key over the first restart, and another after each rotation", ids)
		}
		w.close()
	})
}

func TestWhatCannotBeSignedWaitsAndSpendsNoTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		arrived := w.receiver("api.example.com:80", 0)
		signed := "policies: {signed: {extends: github, sign: [{scheme: github, secret_file: " + secretFile(t, "sesame") + "}]}}"
		text := signed
		w.file(&text)
		w.start()
		due := time.Now().Add(10 * time.Minute).Format(time.RFC3339)
		id := w.accepted(`{"url": "http://api.example.com/", "policy": "signed", "body": {"n": 1}, "send_at": "` + due + `"}`)
		text = "policies: {signed: {extends: github}}"
		w.reloads()
		time.Sleep(30*time.Minute + 30*time.Second) // between two times that it is looked at
		if s := w.show(id); s.State != "pending" || s.Tries.Used != 0 || len(*arrived) != 0 {
			t.Errorf("without a secret it is %+v, after %d calls", s, len(*arrived))
		} else if s.Waiting == nil || s.Waiting.Reason != "held" || !strings.Contains(s.Waiting.Detail, "policy signed: github: there is no secret") {
			t.Errorf("without a secret it waits for %+v, want it to say so", s.Waiting)
		}
		admin := &fasthttp.HostClient{Addr: "127.0.0.1", Dial: w.dialAdmin}
		if _, text := w.exchange(admin, "GET", "/metrics", "", nil); !strings.Contains(string(text), `sluice_notices_total{kind="signing.failed"} 1`) {
			t.Error("its notice is not counted, or more than once")
		}
		admin.CloseIdleConnections()
		text = signed
		w.reloads()
		time.Sleep(2 * time.Minute)
		if s := w.show(id); s.State != "delivered" || len(*arrived) != 1 || (*arrived)[0].header.Get("X-Hub-Signature-256") == "" {
			t.Errorf("with a secret again it is %+v; %v", s, *arrived)
		}
		w.close()
		for said, times := range map[string]int{"webhooks cannot be signed": 1, "webhooks are signed again": 1, "sesame": 0} {
			if n := strings.Count(w.log.String(), said); n != times {
				t.Errorf("%q is logged %d times, want %d", said, n, times)
			}
		}
	})
}

func TestAPolicyThatHasNothingToSignWithIsRefusedAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		status, text := w.ask("POST", "/v1/webhooks", "application/json",
			[]byte(`{"url": "https://api.example.com/", "policy": "github", "body": {}}`))
		for _, part := range []string{"/policy", "signs by github, and names no secret", "secret_file"} {
			if status != fasthttp.StatusBadRequest || !strings.Contains(string(text), part) {
				t.Errorf("%d: %s: want 400 that says %q", status, text, part)
			}
		}
		w.close()
	})
}

func TestSecretFilesThatCannotBeUsedKeepTheGatewayFromStarting(t *testing.T) {
	for name, c := range map[string]struct{ path, want string }{
		"absent":     {filepath.Join(t.TempDir(), "none"), "no such file"},
		"empty":      {secretFile(t, "\n\n"), "there is none"},
		"not base64": {secretFile(t, "whsec_sesame!"), "want whsec_ and base64"},
	} {
		conf, err := configs.Parse("f", []byte(
			"policies: {signed: {extends: standard-webhooks, sign: [{scheme: standard-webhooks, secret_file: "+c.path+"}]}}"))
		if err != nil {
			t.Fatal(err)
		}
		conf.Data.Dir, conf.Listen, conf.Admin = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
		_, err = gateway.New(gateway.Settings{Config: *conf})
		if err == nil || !strings.Contains(err.Error(), "policies.signed.sign") || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, want it to say %s", name, err, c.want)
		}
	}
}

func (w *world) dialAdmin(string) (net.Conn, error) { return w.admin.Dial() }
