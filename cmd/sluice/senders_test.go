package main_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/docs/examples"
)

// TestThePageOnSendersRunsAsItStands goes through its commands as a reader would, on other ports. A comment behind one says
// what it is to answer: "matched: 1", or that it is refused.
func TestThePageOnSendersRunsAsItStands(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := examples.Blocks("../../docs/senders.md")
	if err != nil {
		t.Fatal(err)
	}
	sink, front := freeAddr(t), freeAddr(t)
	elsewhere := strings.NewReplacer("127.0.0.1:9099", sink, "127.0.0.1:8480", front)
	t.Chdir(t.TempDir())
	t.Setenv("SLUICE_GATEWAY", "http://"+front)
	ran := 0
	for _, b := range blocks {
		commands, err := b.Commands("cat", "echo", "curl", "bin/sluice")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commands {
			ran++
			words := make([]string, 0, len(c.Words))
			for _, word := range c.Words[1:] {
				words = append(words, elsewhere.Replace(word))
			}
			var answer string
			failed := false
			switch name := c.Words[0]; {
			case name == "cat" || name == "echo":
				if filepath.Ext(c.To) == ".yaml" {
					c.Input += "data: {min_free: 64MiB}\n"
				}
				if err := os.WriteFile(c.To, []byte(c.Input+strings.Join(words, " ")), 0o600); err != nil {
					t.Fatal(err)
				}
			case name == "curl":
				answer, failed = curl(t, c.Where, words)
			case words[0] == "sink":
				launch(t, sink, words...)
			case words[0] == "serve":
				launch(t, front, append(words, "--listen", front, "--admin", freeAddr(t))...)
			default:
				out, err := exec.CommandContext(t.Context(), bin, words...).CombinedOutput()
				answer, failed = string(out), err != nil
			}
			if refused := strings.HasPrefix(c.Comment, "refused"); failed != refused {
				t.Errorf("%s: %q: %s", c.Where, words, answer)
			}
			if n, counted := strings.CutPrefix(c.Comment, "matched: "); counted && !strings.Contains(answer, `"matched":`+n) {
				t.Errorf("%s: %s, want %s matched", c.Where, answer, n)
			}
		}
	}
	if ran < 15 {
		t.Errorf("%d commands were found", ran)
	}
}

// curl makes the request that it would make, as far as the page uses it.
func curl(t *testing.T, where string, words []string) (answer string, failed bool) {
	t.Helper()
	url, method, body := words[len(words)-1], http.MethodGet, []byte(nil)
	if len(words) == 3 && (words[0] == "-d" || words[0] == "--data-binary") {
		method, body = http.MethodPost, []byte(words[1])
		if name, is := strings.CutPrefix(words[1], "@"); is {
			text, err := os.ReadFile(filepath.Clean(name))
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			body = text
		}
	} else if len(words) != 1 {
		t.Fatalf("%s: what does curl %q do?", where, words)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	return string(text), response.StatusCode >= 300
}
