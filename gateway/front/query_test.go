package front_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// TestNoRouteOverlooksAParameterThatItDoesNotKnow: whoever misspells tenant must not be answered with another's.
func TestNoRouteOverlooksAParameterThatItDoesNotKnow(t *testing.T) {
	d := open(t, withTokens(front.Token{Name: "all", Scopes: everyScope}))
	for _, r := range front.Routes() {
		path := anyName.ReplaceAllString(r.Path, "01KG9P6JE00000000000000000")
		answer := d.ask(r.Method, path+"?tenat=eu", "", as("all"))
		wantProblem(t, answer, 400, "bad-request")
		if !strings.Contains(answer.body, `\"tenat\" is no parameter here: want `) {
			t.Errorf("%s %s: %s", r.Method, path, answer.body)
		}
	}
}

// TestContractHasTheParametersThatThereAreAndNoOthers walks the table and the document both ways.
func TestContractHasTheParametersThatThereAreAndNoOthers(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(front.Contract)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			var told []string
			for _, p := range slices.Concat(item.Parameters, operation.Parameters) {
				if p.Value.In == "query" {
					told = append(told, p.Value.Name)
				}
			}
			there := slices.Clone(front.Parameters(method, path))
			slices.Sort(told)
			slices.Sort(there)
			if !slices.Equal(told, there) {
				t.Errorf("%s %s: gateway/front/openapi.yaml has %v in its query, and it may hold %v", method, path, told, there)
			}
		}
	}
}

func TestOneDefinitionIsRefusedWhereAtomicIsNeitherTrueNorFalse(t *testing.T) {
	for query, status := range map[string]int{"atomic=true": 202, "atomic=false": 202, "atomic=yes": 400, "atomic=1": 400} {
		if r := open(t).ask("POST", "/v1/webhooks?"+query, plain); r.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", query, r.StatusCode, r.body, status)
		}
	}
}

func TestWhoMissesAPathIsToldWhereItIs(t *testing.T) {
	d := open(t)
	for path, want := range map[string]string{
		"/v1/webhooks/":               `No route has the path \"/v1/webhooks/\": want /v1/webhooks, without a slash at its end`,
		"/v1/hosts/a.example/resume/": `want /v1/hosts/a.example/resume, without a slash at its end`,
		"/openapi.json":               `No route has the path \"/openapi.json\": want one of those in /openapi.yaml`,
		"/":                           `No route has the path \"/\": want one of those in /openapi.yaml; webhooks are posted to /v1/webhooks`,
	} {
		r := d.ask("POST", path, "")
		wantProblem(t, r, 404, "not-found")
		if !strings.Contains(r.body, want) {
			t.Errorf("%s: %s; want %s", path, r.body, want)
		}
	}
}

// TestWhatIsWrongWithAnObjectIsSaidInWordsOfWhoeverWroteIt, and not of the program that reads it.
func TestWhatIsWrongWithAnObjectIsSaidInWordsOfWhoeverWroteIt(t *testing.T) {
	d := open(t)
	for _, c := range []struct{ path, body, want string }{
		{"/v1/replays", ``, `the body is empty: want`},
		{"/v1/replays", `{"filter":`, `the body is not valid JSON: it ends too soon: want`},
		{"/v1/replays", `{"filter":}`, `the body is not valid JSON at byte 11: `},
		{"/v1/replays", `[]`, `the body is not an object but of the type array: want`},
		{"/v1/replays", `{"filter":{"state":"failed"},"dry_run":"yes"}`, `/dry_run is of the type string: want an object such as`},
		{"/v1/replays", `{"x":1}`, `/x is an unknown field: want`},
		{"/v1/replays", `{"filter":{"host":"https://a.example/"}}`, `/filter/host is \"https://a.example/\": want a host`},
		{"/v1/erasures", `{"subject":5}`, `/subject is of the type number: want`},
		{"/v1/erasures", `{"subject":"a"} {}`, `something follows the object: want`},
		{"/v1/hosts/a.example/breaker", `{}`, `/state is \"\": want`},
		{"/v1/hosts/a.example/breaker", `{"state":"up"}`, `/state is \"up\": want`},
		{"/v1/hosts/a.example/breaker", `{"state":5}`, `/state is of the type number: want`},
		{"/v1/hosts/a.example/breaker", `{"state":"auto","until":1}`, `/until is an unknown field: want`},
	} {
		r := d.ask("POST", c.path, c.body)
		wantProblem(t, r, 400, "bad-request")
		if !strings.Contains(r.body, c.want) {
			t.Errorf("%s %s: %s; want %s", c.path, c.body, r.body, c.want)
		}
	}
}
