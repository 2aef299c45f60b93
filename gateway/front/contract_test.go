package front_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// TestContractHasTheRoutesThatThereAreAndNoOthers walks the table and the document both ways.
func TestContractHasTheRoutesThatThereAreAndNoOthers(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(front.Contract)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]string{} // the scope of each route
	for _, r := range front.Routes() {
		there[r.Method+" "+anyName.ReplaceAllString(r.Path, "{}")] = r.Scope.String()
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			route := method + " " + anyName.ReplaceAllString(path, "{}")
			scope, ok := there[route]
			if !ok {
				t.Errorf("gateway/front/openapi.yaml has %s, which is no route", route)
			}
			if told, _ := operation.Extensions["x-scope"].(string); ok && told != scope {
				t.Errorf("gateway/front/openapi.yaml says that %s needs the scope %q, and it needs %q", route, told, scope)
			}
			delete(there, route)
		}
	}
	for route := range there {
		t.Errorf("gateway/front/openapi.yaml lacks %s: want it there, with its scope and what it answers", route)
	}
}

func TestContractIsServedToAnyone(t *testing.T) {
	d := open(t, withTokens(front.Token{Name: "a", Scopes: front.Read}))
	r := d.ask("GET", "/openapi.yaml", "")
	if r.StatusCode != 200 || r.body != string(front.Contract) || r.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}
