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

// TestEveryObjectOfTheContractIsExact: what an object may hold is said of each, and what an array does, so that the tests that
// hold a running gateway against the document find whatever it lacks.
func TestEveryObjectOfTheContractIsExact(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(front.Contract)
	if err != nil {
		t.Fatal(err)
	}
	doc.Paths.Delete("/openapi.yaml") // whose answer is OpenAPI's to describe
	seen, objects := map[*openapi3.Schema]bool{}, 0
	var walk func(at string, ref *openapi3.SchemaRef)
	walk = func(at string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || seen[ref.Value] {
			return
		}
		s := ref.Value
		seen[s] = true
		if s.Type.Includes("object") && !(s.Type.Includes("string") && s.Type.Includes("array")) { // that is any JSON, of a sender's own
			if objects++; s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
				t.Errorf("%s: says not what else it may hold: want additionalProperties", at)
			}
		}
		if s.Type.Includes("array") && s.Items == nil {
			t.Errorf("%s: an array of what? want items", at)
		}
		for name, of := range s.Properties {
			walk(at+"/"+name, of)
		}
		walk(at+"/items", s.Items)
		walk(at+"/additionalProperties", s.AdditionalProperties.Schema)
		for _, list := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf, s.AllOf} {
			for _, of := range list {
				walk(at, of)
			}
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			if o.RequestBody != nil {
				for kind, media := range o.RequestBody.Value.Content {
					walk(method+" "+path+" "+kind, media.Schema)
				}
			}
			for status, answer := range o.Responses.Map() {
				for kind, media := range answer.Value.Content {
					walk(method+" "+path+" "+status+" "+kind, media.Schema)
				}
			}
		}
	}
	for name, schema := range doc.Components.Schemas {
		walk(name, schema)
	}
	if objects < 30 {
		t.Errorf("%d objects were found", objects)
	}
}
