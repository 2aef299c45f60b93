package gateway_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination/server"
	"github.com/sluice-gateway/sluice/gateway/front"
)

// contract asks a running gateway and holds each request and answer against the OpenAPI document.
type contract struct {
	*world
	doc    *openapi3.T
	router routers.Router
	done   map[string]bool // operations that were asked for
}

func readContract(t *testing.T, w *world) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(front.Contract)
	if err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc) // it validates the document
	if err != nil {
		t.Fatal(err)
	}
	return &contract{world: w, doc: doc, router: router, done: map[string]bool{}}
}

// call makes one request. valid says whether the request is as the document wants it; the answer must be in any case.
func (c *contract) call(method, path, contentType, body string, valid bool) (status int, answer []byte) {
	c.t.Helper()
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(method)
	req.SetRequestURI("http://127.0.0.1:8480" + path)
	asked, err := http.NewRequestWithContext(c.t.Context(), method, "http://127.0.0.1:8480"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.SetContentType(contentType)
		asked.Header.Set("Content-Type", contentType)
		req.SetBodyString(body)
	}
	if err := c.client.Do(req, resp); err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	route, params, err := c.router.FindRoute(asked)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	c.done[route.Operation.OperationID] = true
	in := &openapi3filter.RequestValidationInput{
		Request: asked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if err := openapi3filter.ValidateRequest(c.t.Context(), in); (err == nil) != valid {
		c.t.Errorf("%s %s %s: valid: %v, want %v: %v", method, path, body, err == nil, valid, err)
	}
	answer = bytes.Clone(resp.Body())
	told := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode(), Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	for name, value := range resp.Header.All() {
		told.Header.Add(string(name), string(value))
	}
	if err := openapi3filter.ValidateResponse(c.t.Context(), told); err != nil {
		c.t.Errorf("%s %s is answered with %d %s: %v", method, path, resp.StatusCode(), answer, err)
	}
	return resp.StatusCode(), answer
}

// made is call for what makes something, and returns its id.
func (c *contract) made(path, body string) string {
	c.t.Helper()
	status, answer := c.call("POST", path, "application/json", body, true)
	var made struct{ ID string }
	if err := json.Unmarshal(answer, &made); status >= 300 || err != nil || made.ID == "" {
		c.t.Fatalf("POST %s %s: %d %s", path, body, status, answer)
	}
	return made.ID
}

var pathName = regexp.MustCompile(`\{[^}]*\}`)

// TestARunningGatewayKeepsItsContract asks for every operation of the document, with its examples and with what is wrong,
// of a gateway that has something to show for each.
func TestARunningGatewayKeepsItsContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.destination("a.example:80", server.Config{})
		w.start()
		c := readContract(t, w)
		named := map[string]string{
			"/v1/webhooks/":      c.made("/v1/webhooks", `{"url":"http://a.example/","metadata":{"n":"1"},"flow":"spring"}`),
			"/v1/hosts/":         "a.example:80",
			"/v1/flows/":         "spring",
			"/v1/jobs/":          "job_01KG9P6JE00000000000000000",
			"/v1/subscriptions/": c.made("/v1/subscriptions", `{"url":"http://a.example/in","types":["order.*"]}`),
			"/v1/events/":        c.made("/v1/events", `{"type":"order.paid","id":"evt-0","data":{"n":1}}`),
		}
		time.Sleep(5 * time.Second)
		if status, _ := c.call("GET", "/v1/webhooks/"+named["/v1/webhooks/"]+"?include=payload", "", "", true); status != 200 {
			t.Errorf("a webhook with its payload: %d", status)
		}
		type operation struct {
			method, path string
			*openapi3.Operation
		}
		var all []operation
		for path, item := range c.doc.Paths.Map() {
			for method, o := range item.Operations() {
				for under, name := range named {
					if strings.HasPrefix(path, under) {
						path = pathName.ReplaceAllLiteralString(path, name)
					}
				}
				all = append(all, operation{method, path, o})
			}
		}
		// What shows comes before what changes, and that before what takes away.
		order := []string{"GET", "POST", "PATCH", "DELETE"}
		slices.SortFunc(all, func(a, b operation) int {
			return cmp.Or(slices.Index(order, a.method)-slices.Index(order, b.method), cmp.Compare(a.path, b.path))
		})
		for _, o := range all {
			var examples openapi3.Examples
			if o.RequestBody != nil {
				examples = o.RequestBody.Value.Content["application/json"].Examples
			}
			for name, example := range examples {
				body, err := json.Marshal(example.Value.Value)
				if err != nil {
					t.Fatal(err)
				}
				if status, answer := c.call(o.method, o.path, "application/json", string(body), true); status >= 300 {
					t.Errorf("%s %s: its example %s is answered with %d %s", o.method, o.path, name, status, answer)
				}
			}
			switch {
			case len(examples) > 0:
			case o.RequestBody != nil:
				c.call(o.method, o.path, "application/json", `{}`, true)
			default:
				c.call(o.method, o.path, "", "", true)
			}
		}
		unknown := "01KG9P6JE00000000000000000"
		for _, wrong := range []struct {
			method, path, body string
			valid              bool
			status             int
		}{
			{"POST", "/v1/webhooks", `{"url":1}`, false, 400},
			{"POST", "/v1/webhooks", `{"url":"nowhere"}`, true, 400},
			{"POST", "/v1/webhooks", `{"webhooks":[]}`, false, 400},
			{"POST", "/v1/webhooks", `{"webhooks":[{"url":"http://a.example/"},{}]}`, false, 207},
			{"POST", "/v1/webhooks?atomic=true", `{"webhooks":[{"url":"http://a.example/"},{}]}`, false, 400},
			{"POST", "/v1/webhooks/test", `{"url":"http://a.example/"}`, true, 200},
			{"GET", "/v1/webhooks/" + unknown, "", true, 404},
			{"GET", "/v1/webhooks/nonsense", "", false, 404},
			{"GET", "/v1/webhooks?limit=1", "", true, 200},
			{"GET", "/v1/webhooks?limit=0", "", false, 400},
			{"GET", "/v1/hosts/b.example", "", true, 404},
			{"GET", "/v1/jobs/none", "", true, 404},
			{"POST", "/v1/subscriptions", `{"url":"http://a.example/in2","types":[1]}`, false, 400},
			{"POST", "/v1/events", `[]`, false, 400},
		} {
			if status, answer := c.call(wrong.method, wrong.path, "application/json", wrong.body, wrong.valid); status != wrong.status {
				t.Errorf("%s %s %s: %d %s, want %d", wrong.method, wrong.path, wrong.body, status, answer, wrong.status)
			}
		}
		for path, item := range c.doc.Paths.Map() {
			for method, o := range item.Operations() {
				if !c.done[o.OperationID] {
					t.Errorf("%s %s was not asked for", method, path)
				}
			}
		}
		w.close()
	})
}
