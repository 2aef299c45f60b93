package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

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

// TestSubscriptionsAndEventsAreManagedByCommands goes through them once.
func TestSubscriptionsAndEventsAreManagedByCommands(t *testing.T) {
	l := newPartner(t)
	addr := freeAddr(t)
	conf := filepath.Join(t.TempDir(), "sluice.yaml")
	text := fmt.Sprintf("listen: %s\nadmin: 127.0.0.1:0\ndata: {dir: %s, min_free: 64MiB}\negress: {allow_nets: [127.0.0.0/8]}\n",
		addr, filepath.Join(t.TempDir(), "data"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	gateway := launch(t, addr, "serve", "--config", conf)
	flags := []string{"--gateway", "http://" + addr, "-o", "json"}
	var s struct{ ID, Secret string }
	command(t, &s, append([]string{"subscription", "create", l.URL, "--type", "order.*"}, flags...)...)
	if !strings.HasPrefix(s.Secret, "whsec_") {
		t.Errorf("created without a secret: %+v", s)
	}
	var sent struct{ Matched int }
	command(t, &sent, append([]string{"event", "send", "order.paid", "--data", `{"n":1}`, "--id", "last"}, flags...)...)
	command(t, nil, append([]string{"event", "show", "last"}, flags...)...)
	command(t, nil, append([]string{"subscription", "test", s.ID}, flags...)...)
	command(t, nil, append([]string{"subscription", "update", s.ID, "--no-enabled"}, flags...)...)
	var list struct{ Subscriptions []struct{ ID string } }
	command(t, &list, append([]string{"subscription", "list", "--no-enabled"}, flags...)...)
	if sent.Matched != 1 || len(list.Subscriptions) != 1 || list.Subscriptions[0].ID != s.ID {
		t.Errorf("an event went to %d, and disabled are %v", sent.Matched, list.Subscriptions)
	}
	command(t, nil, append([]string{"subscription", "rotate-secret", s.ID, "--overlap", "1h"}, flags...)...)
	command(t, nil, append([]string{"subscription", "delete", s.ID, "--finish"}, flags...)...)
	gateway.terminate(t)
	if n := len(l.deliveries()); n < 1 || n > 2 { // the test, and the event unless it was held in time
		t.Errorf("%d requests arrived", n)
	}
}
