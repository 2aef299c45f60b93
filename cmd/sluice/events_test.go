package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const publishedAt = 1483390853520 // Unix ms

var publishedTypes = []string{"successful.sale", "user.created", "user.reward.balance.changed", "order.paid"}

// published is event n as it is posted, and its data.
func published(n int) (line, data string) {
	data = fmt.Sprintf(`{ "n":%d, "text":"caf\u00e9 \/ %d", "big":9007199254740993, "price":10.50 }`, n, n)
	return fmt.Sprintf(`{"type":%q,"id":"evt_%d","product":"prd_%d","created":%d,"data":%s}`+"\n",
		publishedTypes[n%4], n, n%5, publishedAt, data), data
}

// subscribed is a partner's subscription, and what it is to get.
type subscribed struct {
	*partner
	id      string
	secrets []string // the oldest first
	wants   func(n int) bool
	body    func(n int, data string) string
	rotated int // deliveries that came before its secret was rotated
}

// among counts the events of a range that are wanted, and those of them that are refused by who is ill.
func (s *subscribed) among(first, end int) (wanted, refused int) {
	for n := first; n < end; n++ {
		if s.wants(n) {
			wanted++
			if refuses(n) {
				refused++
			}
		}
	}
	return wanted, refused
}

// stand is a gateway with three subscriptions.
type stand struct {
	t           *testing.T
	addr, admin string
	gateway     *program
	// By their senders: signed with HMAC, a JWS, and as Standard Webhooks has it.
	pulse, loyalty, standard *subscribed
}

func (s *stand) all() []*subscribed { return []*subscribed{s.pulse, s.loyalty, s.standard} }

func newStand(t *testing.T) *stand {
	dir, s := t.TempDir(), &stand{t: t, addr: freeAddr(t), admin: freeAddr(t)}
	conf := filepath.Join(dir, "sluice.yaml")
	text := fmt.Sprintf(`
listen: %s
admin: %s
data: {dir: %s, min_free: 64MiB}
egress: {allow_nets: [127.0.0.0/8]}
limits: {default: {start: unlimited}}
policies:  # one attempt each, so that what fails is over at once
  pulse: {extends: chariow-2026, schemes: [http, https], ports: [], retry: {attempts: 1}, disable: {exhausted: 0}}
  loyalty: {extends: advocate, retry: {attempts: 1}}
  standard: {extends: standard-webhooks, retry: {attempts: 1}}
`, s.addr, s.admin, filepath.Join(dir, "data"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.pulse = &subscribed{
		partner: newPartner(t),
		wants:   func(n int) bool { return n%4 == 0 && (n%5 == 1 || n%5 == 2) },
		body:    func(_ int, data string) string { return data },
	}
	s.loyalty = &subscribed{
		partner: newPartner(t),
		wants:   func(n int) bool { return (n%4 == 1 || n%4 == 2) && n%3 == 0 },
		body: func(n int, data string) string {
			return fmt.Sprintf(`{"id":"evt_%d","type":%q,"tenantAlias":"default","live":true,"created":%d,"data":%s}`,
				n, publishedTypes[n%4], publishedAt, data)
		},
	}
	s.standard = &subscribed{
		partner: newPartner(t),
		wants:   func(n int) bool { return n%4 != 1 || n > 9000 },
		body: func(n int, data string) string {
			return fmt.Sprintf(`{"type":%q,"timestamp":"2017-01-02T21:00:53.520Z","data":%s}`, publishedTypes[n%4], data)
		},
	}
	s.gateway = launch(t, s.addr, "serve", "--config", conf)
	s.create(s.pulse, "--type", "successful.sale", "--product", "prd_1", "--product", "prd_2", "--policy", "pulse")
	s.create(s.loyalty, "--type", "user.*", "--filter", "data.n % 3 == 0", "--policy", "loyalty")
	s.create(s.standard, "--policy", "standard", "--filter", `type != "user.created" or data.n > 9000`)
	return s
}

func (s *stand) create(of *subscribed, args ...string) {
	var made struct{ ID, Secret string }
	command(s.t, &made, s.flags(append([]string{"subscription", "create", of.URL + "/in"}, args...)...)...)
	of.id, of.secrets = made.ID, []string{made.Secret}
}

func (s *stand) flags(args ...string) []string {
	return append(args, "--gateway", "http://"+s.addr, "-o", "json")
}

// call makes a request, wants a status, and reads the answer.
func (s *stand) call(method, url, contentType string, body []byte, want int, answer any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		s.t.Fatalf("%s %s: %d, want %d: %.300s", method, url, resp.StatusCode, want, text)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			s.t.Fatalf("%s %s: %.300s: %v", method, url, text, err)
		}
	}
}

// publish posts a range of events and waits until each partner has as many deliveries as it is to have then.
func (s *stand) publish(first, end int, total map[*subscribed]int) {
	s.t.Helper()
	const batch = 1000
	for ; first < end; first += batch {
		var lines bytes.Buffer
		for n := first; n < min(first+batch, end); n++ {
			line, _ := published(n)
			lines.WriteString(line)
		}
		s.call("POST", "http://"+s.addr+"/v1/events", "application/x-ndjson", lines.Bytes(), http.StatusAccepted, nil)
	}
	for _, of := range s.all() {
		s.until(fmt.Sprintf("%d deliveries to %s", total[of], of.URL), func() bool { return len(of.deliveries()) >= total[of] })
	}
}

// until waits for something that another process does.
func (s *stand) until(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("two minutes passed without %s; the log:\n%s", what, s.gateway.stderr.String())
		}
	}
}

// rotate gives both subscriptions with secrets another one, and the gateway another key.
func (s *stand) rotate() {
	s.t.Helper()
	for _, of := range s.all() {
		var made struct{ Secret string }
		command(s.t, &made, s.flags("subscription", "rotate-secret", of.id, "--overlap", "1h")...)
		of.secrets, of.rotated = append(of.secrets, made.Secret), len(of.deliveries())
	}
	s.call("POST", "http://"+s.admin+"/signing-keys/rotate", "", nil, http.StatusOK, nil)
}

// replay has all that failed of a subscription be sent again, and returns how many a dry run had counted.
func (s *stand) replay(of *subscribed, want int) (counted int) {
	s.t.Helper()
	replays, filter := "http://"+s.addr+"/v1/replays", fmt.Sprintf(`{"filter":{"state":"failed","status":"5xx","subscription":%q}`, of.id)
	var dry struct{ Count int }
	s.until("the log having what failed", func() bool { // it is a second behind
		s.call("POST", replays, "application/json", []byte(filter+`,"dry_run":true}`), http.StatusOK, &dry)
		return dry.Count >= want
	})
	var job struct {
		ID, State string
		Done      int
	}
	s.call("POST", replays, "application/json", []byte(filter+`}`), http.StatusAccepted, &job)
	s.until("the end of a replay", func() bool {
		s.call("GET", "http://"+s.addr+"/v1/jobs/"+job.ID, "", nil, http.StatusOK, &job)
		return job.State != "running"
	})
	if job.State != "done" || job.Done != dry.Count {
		s.t.Errorf("the replay ended as %+v, and %d had been counted", job, dry.Count)
	}
	return dry.Count
}

// TestOfTenThousandEventsEachEndpointGetsExactlyThoseThatItWantsSigned has three senders' subscriptions with filters of their
// own. Each endpoint refuses a part of the first half, secrets and keys are rotated, the second half comes, and what failed
// is replayed. Whatever arrives is verified as a receiver would.
func TestOfTenThousandEventsEachEndpointGetsExactlyThoseThatItWantsSigned(t *testing.T) {
	const events, half = 10_000, 5000
	s := newStand(t)
	total := map[*subscribed]int{}
	for _, of := range s.all() {
		of.ill.Store(true)
		total[of], _ = of.among(0, half)
	}
	s.publish(0, half, total)
	s.rotate()
	for _, of := range s.all() {
		of.ill.Store(false)
		total[of], _ = of.among(0, events)
	}
	s.publish(half, events, total)
	for _, of := range s.all() {
		_, failed := of.among(0, half)
		if counted := s.replay(of, failed); counted != failed {
			t.Errorf("%d of %s are counted as failed, want %d", counted, of.URL, failed)
		}
		total[of] += failed
		s.until("the replays arriving", func() bool { return len(of.deliveries()) >= total[of] })
	}
	var keys jose.JSONWebKeySet
	s.call("GET", "http://"+s.addr+"/.well-known/jwks.json", "", nil, http.StatusOK, &keys)
	s.gateway.terminate(t) // whatever it would still have sent has arrived

	for _, of := range s.all() {
		of.exactly(t, events, half)
	}
	s.verify(&keys)
}

// exactly checks that each event that is wanted was delivered once, as it is to be, and refused once if it was in the half
// in which that happened.
func (s *subscribed) exactly(t *testing.T, events, half int) {
	t.Helper()
	delivered, refused := map[int]int{}, map[int]int{}
	for _, d := range s.deliveries() {
		_, data := published(d.event)
		if !s.wants(d.event) || string(d.body) != s.body(d.event, data) {
			t.Fatalf("%s got %s", s.URL, d.body)
		}
		if d.refused {
			refused[d.event]++
		} else {
			delivered[d.event]++
		}
	}
	for n := range events {
		wantDelivered, wantRefused := 0, 0
		if s.wants(n) {
			wantDelivered = 1
			if n < half && refuses(n) {
				wantRefused = 1
			}
		}
		if delivered[n] != wantDelivered || refused[n] != wantRefused {
			t.Errorf("%s took event %d %d times and refused it %d times, want %d and %d",
				s.URL, n, delivered[n], refused[n], wantDelivered, wantRefused)
		}
	}
}

// verify checks every signature and identity: in the overlap of a rotation both secrets are good where a scheme has room for
// two signatures, and the new one where it has room for one.
func (s *stand) verify(keys *jose.JSONWebKeySet) {
	s.t.Helper()
	ids := map[string]bool{}
	for i, d := range s.pulse.deliveries() {
		secret := s.pulse.secrets[0]
		if i >= s.pulse.rotated {
			secret = s.pulse.secrets[1]
		}
		if err := byHMAC(&d, secret); err != nil {
			s.t.Fatalf("pulse %d: %v: %v", i, err, d.header)
		}
		id := d.header.Get("x-pulse-delivery-id")
		if id == "" || ids[id] || d.header.Get("x-pulse-id") != s.pulse.id || d.header.Get("x-pulse-event") != "successful.sale" {
			s.t.Fatalf("pulse %d says it is %v", i, d.header)
		}
		ids[id] = true
	}
	for i, d := range s.standard.deliveries() {
		secrets := s.standard.secrets
		if i < s.standard.rotated {
			secrets = secrets[:1]
		}
		if err := byStandardWebhooks(&d, secrets...); err != nil {
			s.t.Fatalf("standard %d: %v: %v", i, err, d.header)
		}
		if id := d.header.Get("webhook-id"); id != fmt.Sprintf("evt_%d", d.event) {
			s.t.Fatalf("standard %d says it is %q, want the event's id, on a replay too", i, id)
		}
	}
	signedBy := map[string]int{}
	for i, d := range s.loyalty.deliveries() {
		kid, err := byJWS(&d, keys)
		if err != nil {
			s.t.Fatalf("loyalty %d: %v: %v", i, err, d.header)
		}
		signedBy[kid]++
	}
	if total := len(s.loyalty.deliveries()); len(signedBy) != 2 || signedBy[keys.Keys[0].KeyID] != total-s.loyalty.rotated {
		s.t.Errorf("signed by %v, of which %d before the newer key %s was made", signedBy, s.loyalty.rotated, keys.Keys[0].KeyID)
	}
}
