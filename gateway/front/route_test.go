package front_test

import "testing"

func TestRoutesAnswerOnlyTheirMethods(t *testing.T) {
	d := open(t)
	for _, tt := range []struct {
		method, path string
		status       int
		slug, allow  string
	}{
		{"GET", "/", 404, "not-found", ""},
		{"GET", "/v1", 404, "not-found", ""},
		{"POST", "/v1/webhooks/", 404, "not-found", ""},
		{"GET", "/v1/hosts/", 404, "not-found", ""},
		{"GET", "/v1/webhooks/a/b", 404, "not-found", ""},
		{"GET", "/v1/../v1/hosts", 404, "not-found", ""},
		{"GET", "//v1/hosts", 404, "not-found", ""},
		{"GET", "/v1/hosts%2f", 404, "not-found", ""},
		{"PUT", "/v1/webhooks", 405, "method-not-allowed", "POST, GET, HEAD"},
		{"OPTIONS", "/v1/webhooks", 405, "method-not-allowed", "POST, GET, HEAD"},
		{"PUT", "/v1/webhooks/01KG9P6JE00000000000000000", 405, "method-not-allowed", "GET, HEAD, DELETE"},
		{"GET", "/v1/webhooks/01KG9P6JE00000000000000000/retry", 405, "method-not-allowed", "POST"},
		{"POST", "/v1/hosts", 405, "method-not-allowed", "GET, HEAD"},
		{"PATCH", "/v1/hosts/a.example", 405, "method-not-allowed", "GET, HEAD"},
		{"GET", "/v1/hosts/a.example/resume", 405, "method-not-allowed", "POST"},
		{"GET", "/v1/hosts/a.example/learned", 405, "method-not-allowed", "DELETE"},
		{"POST", "/v1/hosts/a.example/learned", 405, "method-not-allowed", "DELETE"},
		{"POST", "/v1/hosts/a.example/forget", 404, "not-found", ""},
		{"POST", "/v1/hosts/a.example/resume/", 404, "not-found", ""},
		{"POST", "/v1/hosts//resume", 404, "not-found", ""},
		{"POST", "/v1/hosts/a.example/resum%65", 404, "not-found", ""},
	} {
		r := d.ask(tt.method, tt.path, "")
		wantProblem(t, r, tt.status, tt.slug)
		if got := r.Header.Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: Allow %q, want %q", tt.method, tt.path, got, tt.allow)
		}
	}
}
