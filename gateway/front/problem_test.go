package front_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// malformed are requests that must be refused; what is said is in testdata/problems.golden.
var malformed = []string{
	``,
	`{`,
	`null`,
	`[{"url":"https://a.example/"}]`,
	`{"url":"https://a.example/","url":"https://a.example/"}`,
	"{\"url\":\"https://a.example/\",\"body\":\"\xff\"}",
	`{"body":{"n":1}}`,
	`{"url":"/hook"}`,
	`{"url":"ftp://a.example/"}`,
	`{"url":"https://ada:s3cret@a.example/"}`,
	`{"url":"https://a.example/?api_key=s3cret#top"}`,
	`{"url":"http://127.1/"}`,
	`{"url":"http://169.254.169.254/latest/meta-data"}`,
	`{"url":"https://a.example/","method":"get"}`,
	`{"url":"https://a.example/","method":"GET","body":"a"}`,
	`{"url":"https://a.example/","method":"POST","request_method":"POST"}`,
	`{"url":"https://a.example/","headers":{"Content-Length":"3"}}`,
	`{"url":"https://a.example/","headers":{"Authorization":"Bearer s3cret\r\nX-A: b"}}`,
	`{"url":"https://a.example/","headers":[["X-A"]]}`,
	`{"url":"https://a.example/","body":42}`,
	`{"url":"https://a.example/","body_base64":"a-b"}`,
	`{"url":"https://a.example/","priority":"urgent","flw":"spring"}`,
	`{"url":"https://a.example/","policy":"gentle"}`,
	`{"url":"https://a.example/","expires_at":"2020-01-01T00:00:00+01:00"}`,
	`{"url":"https://a.example/","metadata":{"n":1}}`,
	`{"webhooks":{"url":"https://a.example/"}}`,
	`{"webhooks":[{"url":"https://a.example/"}],"flow":"spring"}`,
}

// now is in what the problems say of expires_at.
var now = regexp.MustCompile(`after now, [0-9TZ:-]+`)

func TestMalformedDefinitionsGetUsefulProblems(t *testing.T) {
	d := open(t, forbidMetadata)
	var got strings.Builder
	for _, body := range malformed {
		r := d.post(body)
		wantProblem(t, r, 400, "invalid-definition")
		fmt.Fprintf(&got, "%q\n%s\n\n", body, now.ReplaceAllString(r.body, "after now, NOW"))
	}
	if n := len(d.store.stored(t)); n != 0 {
		t.Errorf("%d stored", n)
	}
	golden(t, "problems.golden", got.String())
	answers := regexp.MustCompile(`(?m)^".*$`).ReplaceAllString(got.String(), "")
	if strings.Contains(answers, "s3cret") {
		t.Error("a problem shows a credential")
	}
}

// TestDocumentationKnowsEveryProblem holds docs/api.md against the code: clients branch on these types.
func TestDocumentationKnowsEveryProblem(t *testing.T) {
	docs, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	made := regexp.MustCompile(`newProblem\((\d{3}), "([a-z-]+)"`)
	found := 0
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made.FindAllSubmatch(code, -1) {
			found++
			if row := fmt.Sprintf("| `%s` | %s |", m[2], m[1]); !strings.Contains(string(docs), row) {
				t.Errorf("docs/api.md has no row %s", row)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d problems found in the code", found)
	}
}
