package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// listener is a destination that keeps what it is sent.
type listener struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]int // by body
}

func listen(t *testing.T) *listener {
	l := &listener{got: map[string]int{}}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		l.got[string(body)]++
		l.mu.Unlock()
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, times := range l.got {
		n += times
	}
	return n
}

// command runs a sluice command to its end, wants it to succeed, and reads its JSON.
func command(t *testing.T, answer any, args ...string) {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(bin, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sluice %v: %v: %s", args, err, stderr.String())
	}
	if answer != nil {
		if err := json.Unmarshal(out, answer); err != nil {
			t.Fatalf("sluice %v: %s: %v", args, out, err)
		}
	}
}

// TestOfTenThousandEventsEachEndpointGetsExactlyThoseThatItWants has three subscriptions with filters of their own, and the
// real binary on both sides.
func TestOfTenThousandEventsEachEndpointGetsExactlyThoseThatItWants(t *testing.T) {
	const events, batch = 10_000, 1000
	dir := t.TempDir()
	addr := freeAddr(t)
	conf := filepath.Join(dir, "sluice.yaml")
	text := fmt.Sprintf(`
listen: %s
admin: 127.0.0.1:0
data: {dir: %s, min_free: 64MiB}
egress: {allow_nets: [127.0.0.0/8]}
limits: {default: {start: unlimited}}
policies:
  pulse: {extends: chariow, schemes: [http, https], ports: []}
  enveloped: {extends: advocate, sign: []}
`, addr, filepath.Join(dir, "data"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	pulse, loyalty, raw := listen(t), listen(t), listen(t)
	gateway := launch(t, addr, "serve", "--config", conf)
	flags := []string{"--gateway", "http://" + addr, "-o", "json"}
	create := func(l *listener, args ...string) (id string) {
		var s struct{ ID, Secret string }
		command(t, &s, append(append([]string{"subscription", "create", l.URL + "/in"}, args...), flags...)...)
		if !strings.HasPrefix(s.Secret, "whsec_") {
			t.Errorf("created without a secret: %+v", s)
		}
		return s.ID
	}
	create(pulse, "--type", "successful.sale", "--product", "prd_1", "--product", "prd_2", "--policy", "pulse")
	create(loyalty, "--type", "user.*", "--filter", "data.n % 3 == 0", "--policy", "enveloped")
	rawID := create(raw, "--policy", "default", "--filter", `type != "user.created" or data.n > 9000`)

	want := []map[string]int{{}, {}, {}}
	types := []string{"successful.sale", "user.created", "user.reward.balance.changed", "order.paid"}
	for first := 0; first < events; first += batch {
		var lines bytes.Buffer
		for n := first; n < first+batch; n++ {
			eventType, product := types[n%len(types)], fmt.Sprintf("prd_%d", n%5)
			id, data := fmt.Sprintf("evt_%d", n), fmt.Sprintf(`{ "n":%d, "text":"caf\u00e9 \/ %d" }`, n, n)
			fmt.Fprintf(&lines, `{"type":%q,"id":%q,"product":%q,"created":1483390853520,"data":%s}`+"\n", eventType, id, product, data)
			if n%4 == 0 && (n%5 == 1 || n%5 == 2) {
				want[0][data]++
			}
			if (n%4 == 1 || n%4 == 2) && n%3 == 0 {
				want[1][fmt.Sprintf(`{"id":%q,"type":%q,"tenantAlias":"default","live":true,"created":1483390853520,"data":%s}`, id, eventType, data)]++
			}
			if n%4 != 1 || n > 9000 {
				want[2][data]++
			}
		}
		resp, err := http.Post("http://"+addr+"/v1/events", "application/x-ndjson", &lines)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusAccepted {
			t.Fatalf("%d: %.300s", resp.StatusCode, body)
		}
	}
	sinks := []*listener{pulse, loyalty, raw}
	total := 0
	for _, w := range want {
		total += len(w)
	}
	for deadline := time.Now().Add(2 * time.Minute); pulse.count()+loyalty.count()+raw.count() < total && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	for i, l := range sinks {
		l.mu.Lock()
		for body, times := range l.got {
			if times != want[i][body] {
				t.Errorf("endpoint %d got %d times, want %d: %s", i, times, want[i][body], body)
			}
		}
		if len(l.got) != len(want[i]) {
			t.Errorf("endpoint %d got %d events, want %d", i, len(l.got), len(want[i]))
		}
		l.mu.Unlock()
	}

	var sent struct{ Matched int }
	command(t, &sent, append([]string{"event", "send", "order.paid", "--data", `{"n":1}`, "--id", "last"}, flags...)...)
	command(t, nil, append([]string{"subscription", "test", rawID}, flags...)...)
	command(t, nil, append([]string{"subscription", "update", rawID, "--no-enabled"}, flags...)...)
	var list struct{ Subscriptions []struct{ ID string } }
	command(t, &list, append([]string{"subscription", "list", "--no-enabled"}, flags...)...)
	if sent.Matched != 1 || len(list.Subscriptions) != 1 || list.Subscriptions[0].ID != rawID {
		t.Errorf("an event more went to %d, and disabled are %v", sent.Matched, list.Subscriptions)
	}
	command(t, nil, append([]string{"subscription", "rotate-secret", rawID, "--overlap", "1h"}, flags...)...)
	command(t, nil, append([]string{"subscription", "delete", rawID, "--finish"}, flags...)...)
	gateway.terminate(t)
}
