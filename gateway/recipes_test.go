package gateway_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/docs/examples"
)

// TestTheDoorTakesWhatTheDocumentationPosts makes the requests to the front door that the pages show, in their order.
func TestTheDoorTakesWhatTheDocumentationPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Egress.AllowNets = []configs.Net{mustNet(t, "127.0.0.0/8")}
		w.start()
		defer w.close()
		w.post("http://127.0.0.1:9099/hook", 1) // as `sluice send` of the README does
		files := map[string]string{"sale.json": `{"event":"successful.sale"}`}
		made := 0
		for _, page := range []string{"../README.md", "../docs/api.md", "../docs/operations.md"} {
			blocks, err := examples.Blocks(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range blocks {
				commands, err := b.Commands("curl")
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range commands {
					r := requestOf(t, c, files)
					if r.path == "" {
						continue
					}
					made++
					if status, answer := w.ask(r.method, r.path, r.contentType, r.body); status >= 300 {
						t.Errorf("%s: %s %s: %d %s", c.Where, r.method, r.path, status, answer)
					}
				}
			}
		}
		if made < 8 {
			t.Errorf("%d requests were found", made)
		}
	})
}

type request struct {
	method, path string // path is empty where it is not for the front door's own API, or its id was left out
	contentType  string
	body         []byte // nil: none
}

// requestOf is what curl would send, as far as the pages use it.
func requestOf(t *testing.T, c examples.Command, files map[string]string) request {
	t.Helper()
	r := request{method: fasthttp.MethodGet}
	words := c.Words[1:]
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		value := func() (v string) {
			if len(words) == 0 {
				t.Fatalf("%s: %s without a value", c.Where, word)
			}
			v, words = words[0], words[1:]
			return v
		}
		switch word {
		case "-i", "-si":
		case "-H":
			value()
		case "-x": // through the proxy
			return request{}
		case "-X":
			r.method = value()
		case "-d", "--data-binary":
			text := value()
			if name, is := strings.CutPrefix(text, "@"); is {
				text = files[name]
			}
			r.method, r.contentType, r.body = fasthttp.MethodPost, "application/x-www-form-urlencoded", []byte(text)
		default:
			path, ours := strings.CutPrefix(word, "http://127.0.0.1:8480/v1/")
			if strings.HasPrefix(word, "-") {
				t.Fatalf("%s: what does %s do?", c.Where, word)
			}
			if ours && !strings.Contains(path, "…") {
				r.path = "/v1/" + path
			}
		}
	}
	return r
}

// TestTheAnswersInTheDocumentationAreJSON, as they say.
func TestTheAnswersInTheDocumentationAreJSON(t *testing.T) {
	pages, err := os.ReadDir("../docs")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		if !strings.HasSuffix(page.Name(), ".md") {
			continue
		}
		blocks, err := examples.Blocks("../docs/" + page.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if b.Language != "json" {
				continue
			}
			found++
			if !json.Valid([]byte(b.Text)) {
				t.Errorf("%s:%d: not JSON: %s", b.Page, b.Line, b.Text)
			}
		}
	}
	if found == 0 {
		t.Error("there are none")
	}
}
