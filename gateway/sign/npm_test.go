package sign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The npm library compares the timestamp with the clock, so these are signed now.
func TestTheNpmLibraryOfStandardWebhooksVerifies(t *testing.T) {
	dir := filepath.Join("testdata", "node")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "standardwebhooks")); err != nil {
		t.Fatalf("%v: make verifiers installs it", err)
	}
	type delivery struct {
		Secret  string            `json:"secret"`
		Headers map[string]string `json:"headers"`
		Body    []byte            `json:"body"`
	}
	random := rand.NewChaCha8([32]byte{7})
	var sent []delivery
	var want []string
	for i := range 20 {
		secret, err := GenerateSecret(random)
		if err != nil {
			t.Fatal(err)
		}
		m := Message{ID: fmt.Sprint("msg_", i), At: time.Now(), Body: fmt.Appendf(nil, `{"n":%d,"text":"é€😀"}`, i)}
		headers := apply(t, signer(t, StandardWebhooks, secret.Reveal(), standardSecret, standardKey), m)
		d := delivery{Headers: map[string]string{}, Body: m.Body, Secret: secret.Reveal()}
		for _, h := range headers {
			d.Headers[h.Name] = h.Value
		}
		verdict := "ok"
		switch i % 4 {
		case 1: // the former secret counts still
			d.Secret = standardSecret
		case 2:
			d.Body = bytes.Replace(m.Body, []byte("é"), []byte("e"), 1)
			verdict = "No matching signature found"
		case 3:
			d.Headers["webhook-id"] = "msg_x"
			verdict = "No matching signature found"
		}
		sent, want = append(sent, d), append(want, verdict)
	}
	input, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "verify.mjs")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node verify.mjs: %v, %s", err, out)
	}
	var got []string
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(want) {
		t.Fatalf("%s: %v", out, err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("delivery %d: %q, want %q", i, got[i], want[i])
		}
	}
}
