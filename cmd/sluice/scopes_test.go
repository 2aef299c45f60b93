package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// asking makes a request with a token, which may be empty, and a JSON body, nil: none.
func (c *configured) asking(t *testing.T, token, method, path string, body []byte) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.front+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// makes asks for something to be made and returns its id.
func (c *configured) makes(t *testing.T, token, path, body string) string {
	t.Helper()
	status, answer := c.asking(t, token, "POST", path, []byte(body))
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &made); status >= 300 || err != nil || made.ID == "" {
		t.Fatalf("POST %s %s: %d %s", path, body, status, answer)
	}
	return made.ID
}

// operation is one of the contract's.
type operation struct{ method, path, scope string }

// operations reads the contract that the gateway serves.
func (c *configured) operations(t *testing.T) (all []operation) {
	t.Helper()
	status, text := c.asking(t, "", "GET", "/openapi.yaml", nil)
	var doc struct {
		Paths map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal([]byte(text), &doc); status != http.StatusOK || err != nil {
		t.Fatalf("/openapi.yaml: %d %v", status, err)
	}
	for path, item := range doc.Paths {
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			var o struct {
				Scope string `yaml:"x-scope"`
			}
			if err := node.Decode(&o); err != nil {
				t.Fatal(err)
			}
			all = append(all, operation{strings.ToUpper(method), path, o.Scope})
		}
	}
	if len(all) < 30 {
		t.Fatalf("the contract has %d operations", len(all))
	}
	return all
}

// TestEveryRouteAsksForItsScopeAndShowsNothingOfAnotherTenant goes by the contract that the binary serves.
func TestEveryRouteAsksForItsScopeAndShowsNothingOfAnotherTenant(t *testing.T) {
	scopes := []string{"send", "read", "read:body", "admin"}
	var text strings.Builder
	text.WriteString("tokens:\n")
	for _, scope := range scopes {
		fmt.Fprintf(&text, "  - {name: only-%s, sha256: %x, scopes: [%q]}\n", strings.ReplaceAll(scope, ":", "-"), sha256.Sum256([]byte("only "+scope)), scope)
	}
	for _, tenant := range []string{"eu", "us"} {
		fmt.Fprintf(&text, "  - {name: %s, sha256: %x, tenant: %s, scopes: [send, read, 'read:body', admin]}\n", tenant, sha256.Sum256([]byte("all "+tenant)), tenant)
	}
	c := serving(t, text.String())
	sink := freeAddr(t)
	launch(t, sink, "sink", "--listen", sink)
	const eu, us = "all eu", "all us"

	// Something of eu for every kind of name.
	subscription := c.makes(t, eu, "/v1/subscriptions", `{"url":"http://`+sink+`/in","policy":"braze"}`)
	named := map[string]string{
		"/v1/webhooks/":      c.makes(t, eu, "/v1/webhooks", `{"url":"http://`+sink+`/","flow":"eu-spring","body":"x"}`),
		"/v1/subscriptions/": subscription,
		"/v1/events/":        c.makes(t, eu, "/v1/events", `{"type":"order.paid","id":"evt-eu","data":{}}`),
		"/v1/jobs/":          c.makes(t, eu, "/v1/erasures", `{"subject":"nobody"}`),
		"/v1/hosts/":         sink,
		"/v1/flows/":         "eu-spring",
	}
	if status, answer := c.asking(t, eu, "POST", "/v1/flows/eu-spring/pause", nil); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	bodies := map[string]string{
		"/v1/webhooks": `{"url":"http://` + sink + `/"}`, "/v1/webhooks/test": `{"url":"http://` + sink + `/"}`, "/v1/events": `{"type":"a","data":{}}`,
		"/v1/subscriptions": `{"url":"http://` + sink + `/scopes","policy":"braze"}`, "/v1/erasures": `{"subject":"nobody"}`, "/v1/replays": `{"filter":{"state":"failed"},"dry_run":true}`,
	}
	fill := func(path, name string) string {
		before, rest, found := strings.Cut(path, "{")
		if !found {
			return path
		}
		_, rest, _ = strings.Cut(rest, "}")
		if name == "" {
			name = named[before]
		}
		return before + name + rest
	}
	for _, o := range c.operations(t) {
		nothing := fill(o.path, "01KG9P6JE00000000000000000")
		for _, token := range append([]string{"", "guess"}, scopes...) {
			want, presented := 401, token
			if slices.Contains(scopes, token) {
				want, presented = 403, "only "+token
			}
			status, answer := c.asking(t, presented, o.method, nothing, []byte(bodies[o.path]))
			if o.scope == "" || o.scope == token {
				want = 0
				if status == 401 || status == 403 {
					t.Errorf("%s %s by %q: %d %s", o.method, nothing, presented, status, answer)
				}
			}
			if want != 0 && status != want {
				t.Errorf("%s %s by %q: %d %s, want %d", o.method, nothing, presented, status, answer, want)
			}
		}
		switch path := fill(o.path, ""); {
		case o.scope == "":
		case strings.HasPrefix(path, "/v1/hosts"):
			if status, answer := c.asking(t, us, o.method, path, nil); status != 403 {
				t.Errorf("%s %s, which all tenants share, by one tenant's: %d %s", o.method, path, status, answer)
			}
		case path != o.path && o.method != "GET" && strings.HasPrefix(path, "/v1/flows/"):
			// A flow is named by its tenant and its name: without a tenant it is the token's own.
			if status, answer := c.asking(t, us, o.method, path+"?tenant=eu", []byte(`{}`)); status != 404 && status != 403 {
				t.Errorf("%s %s of another tenant: %d %s", o.method, path, status, answer)
			}
		case path != o.path:
			status, answer := c.asking(t, us, o.method, path, []byte(`{}`))
			if status != 404 || strings.Contains(answer, "eu") && strings.Contains(answer, sink) {
				t.Errorf("%s %s of another tenant: %d %s", o.method, path, status, answer)
			}
		case o.method == "GET":
			if status, answer := c.asking(t, us, o.method, path, nil); status != 200 || strings.Contains(answer, sink) || strings.Contains(answer, "eu-spring") {
				t.Errorf("%s shows of another tenant: %d %s", path, status, answer)
			}
			if status, answer := c.asking(t, us, o.method, path+"?tenant=eu", nil); status == 200 && strings.Contains(answer, sink) {
				t.Errorf("%s?tenant=eu shows it: %d %s", path, status, answer)
			}
		}
	}
	for under, path := range map[string]string{
		"/v1/webhooks/": "", "/v1/subscriptions/": "", "/v1/events/": "", "/v1/jobs/": "", "/v1/flows/": "",
	} {
		if status, answer := c.asking(t, eu, "GET", under+named[under]+path, nil); status != 200 || strings.Contains(answer, `"state":"cancelled"`) {
			t.Errorf("its own tenant asks for %s: %d %s", under+named[under], status, answer)
		}
	}
	// What is refused for a tenant's sake is refused for definitions that name it too.
	for path, body := range map[string]string{
		"/v1/webhooks": `{"url":"http://` + sink + `/","tenant":"eu"}`, "/v1/webhooks/test": `{"url":"http://` + sink + `/","tenant":"eu"}`,
		"/v1/subscriptions": `{"url":"http://` + sink + `/","tenant":"eu"}`, "/v1/events": `{"type":"a","tenant":"eu","data":1}`,
		"/v1/erasures": `{"tenant":"eu"}`,
	} {
		if status, answer := c.asking(t, us, "POST", path, []byte(body)); status != 403 && status != 404 {
			t.Errorf("POST %s for another tenant: %d %s", path, status, answer)
		}
	}
	c.terminate(t)
}
