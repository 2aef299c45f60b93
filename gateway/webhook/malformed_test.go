package webhook_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

var update = flag.Bool("update", false, "write the golden files anew")

// malformed are definitions that are refused, each with a name. What is said of them is in testdata/malformed.golden.
var malformed = []struct{ name, text string }{
	{"empty", ``},
	{"truncated", `{"url":"https://a.example/"`},
	{"not JSON", `url=https://a.example/`},
	{"two definitions", `{"url":"https://a.example/"}{"url":"https://b.example/"}`},
	{"an array", `[{"url":"https://a.example/"}]`},
	{"a string", `"https://a.example/"`},
	{"duplicate field", `{"url":"https://a.example/","url":"https://b.example/"}`},
	{"duplicate name in the body", `{"url":"https://a.example/","body":{"n":1,"n":2}}`},
	{"invalid UTF-8", "{\"url\":\"https://a.example/\",\"body\":\"\xff\"}"},
	{"lone surrogate", `{"url":"https://a.example/","body":"\ud800"}`},
	{"no url", `{"body":{"n":1}}`},
	{"url is null", `{"url":null}`},
	{"url is a number", `{"url":42}`},
	{"url is empty", `{"url":""}`},
	{"relative url", `{"url":"/hook"}`},
	{"url without scheme", `{"url":"api.example.com/hook"}`},
	{"ftp", `{"url":"ftp://a.example/"}`},
	{"javascript", `{"url":"javascript://a.example/%0aalert(1)"}`},
	{"no host", `{"url":"https:///hook"}`},
	{"user information", `{"url":"https://ada:s3cret@a.example/"}`},
	{"user information behind a backslash", `{"url":"https://a.example\\@b.example/"}`},
	{"port 0", `{"url":"http://a.example:0/"}`},
	{"port too high", `{"url":"http://a.example:65536/"}`},
	{"port with a sign", `{"url":"http://a.example:+80/"}`},
	{"no port behind the colon", `{"url":"http://a.example:/"}`},
	{"a space in the url", `{"url":"https://a.example/a b"}`},
	{"a line break in the url", `{"url":"https://a.example/a\nb"}`},
	{"NUL in the url", `{"url":"https://a.example/\u0000"}`},
	{"a fragment", `{"url":"https://a.example/#top"}`},
	{"a bad escape", `{"url":"https://a.example/%zz"}`},
	{"an escape cut short", `{"url":"https://a.example/%4"}`},
	{"url too long", `{"url":"https://a.example/` + strings.Repeat("a", 8192) + `"}`},
	{"an escaped host", `{"url":"https://a%2eexample/"}`},
	{"an empty label", `{"url":"https://a..example/"}`},
	{"a label too long", `{"url":"https://` + strings.Repeat("a", 64) + `.example/"}`},
	{"a name too long", `{"url":"https://` + strings.Repeat("abc.", 64) + `example/"}`},
	{"a decimal address", `{"url":"http://2130706433/"}`},
	{"a short address", `{"url":"http://127.1/"}`},
	{"an octal address", `{"url":"http://0177.0.0.1/"}`},
	{"a hexadecimal address", `{"url":"http://0x7f.0.0.0x1/"}`},
	{"an address in other digits", `{"url":"http://１２７.1/"}`},
	{"a name without an ASCII form", `{"url":"http://a\u200db.example/"}`},
	{"a path beyond ASCII", `{"url":"http://a.example/é"}`},
	{"an IPv6 zone", `{"url":"http://[fe80::1%25eth0]/"}`},
	{"an IPv6 address without bracket", `{"url":"http://[::1/"}`},
	{"something behind the bracket", `{"url":"http://[::1]x/"}`},
	{"a forbidden destination", `{"url":"http://192.0.2.1/"}`},
	{"a credential in a bad url", `{"url":"ftp://a.example/?access_token=s3cret&n=1"}`},
	{"lower-case method", `{"url":"https://a.example/","method":"post"}`},
	{"unknown method", `{"url":"https://a.example/","method":"BREW"}`},
	{"CONNECT", `{"url":"https://a.example/","method":"CONNECT"}`},
	{"PATCH under braze", `{"url":"https://a.example/","method":"PATCH","policy":"braze"}`},
	{"method twice", `{"url":"https://a.example/","method":"POST","request_method":"POST"}`},
	{"headers twice", `{"url":"https://a.example/","headers":{},"request_headers":{}}`},
	{"body twice", `{"url":"https://a.example/","body":"a","body_base64":"YQ=="}`},
	{"headers as a string", `{"url":"https://a.example/","headers":"X-Key: v"}`},
	{"a header as a number", `{"url":"https://a.example/","headers":{"X-Key":1}}`},
	{"a header as an object", `{"url":"https://a.example/","headers":{"X-Key":{"a":"b"}}}`},
	{"a credential as a number", `{"url":"https://a.example/","headers":{"Authorization":123456}}`},
	{"a header with a number among its values", `{"url":"https://a.example/","headers":{"X-Key":["a",1]}}`},
	{"a pair of one", `{"url":"https://a.example/","headers":[["X-Key"]]}`},
	{"a pair that is none", `{"url":"https://a.example/","headers":[["X-Key","a"],"X-Other: b"]}`},
	{"a space in a header name", `{"url":"https://a.example/","headers":{"X Key":"a"}}`},
	{"a colon in a header name", `{"url":"https://a.example/","headers":{"X-Key:":"a"}}`},
	{"an empty header name", `{"url":"https://a.example/","headers":{"":"a"}}`},
	{"CRLF in a header", `{"url":"https://a.example/","headers":{"X-Key":"a\r\nX-Other: b"}}`},
	{"NUL in a credential", `{"url":"https://a.example/","headers":{"Authorization":"Bearer s3cret\u0000"}}`},
	{"Host", `{"url":"https://a.example/","headers":{"Host":"b.example"}}`},
	{"Content-Length", `{"url":"https://a.example/","headers":{"content-length":"4"}}`},
	{"Connection and Transfer-Encoding", `{"url":"https://a.example/","headers":[["Connection","close"],["Transfer-Encoding","chunked"]]}`},
	{"body is a number", `{"url":"https://a.example/","body":1}`},
	{"body is a boolean", `{"url":"https://a.example/","body":true}`},
	{"body on GET", `{"url":"https://a.example/","method":"GET","body":"a"}`},
	{"body on HEAD", `{"url":"https://a.example/","method":"HEAD","body":{"n":1}}`},
	{"not base64", `{"url":"https://a.example/","body_base64":"%%%"}`},
	{"base64 with a line break", `{"url":"https://a.example/","body_base64":"YW\nJj"}`},
	{"base64 as an object", `{"url":"https://a.example/","body_base64":{}}`},
	{"nested too deeply", `{"url":"https://a.example/","body":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`},
	{"too large", `{"url":"https://a.example/","body":"` + strings.Repeat("a", webhook.DefaultMaxSize) + `"}`},
	{"too large in base64", `{"url":"https://a.example/","body_base64":"` + strings.Repeat("aaaa", webhook.DefaultMaxSize/3+1) + `"}`},
	{"unknown field", `{"url":"https://a.example/","colour":"red"}`},
	{"misspelt field", `{"url":"https://a.example/","prority":"high"}`},
	{"another sender's field", `{"url":"https://a.example/","payload":{"n":1}}`},
	{"camel case", `{"url":"https://a.example/","sendAt":"2026-02-01T00:00:00Z"}`},
	{"an unknown credential", `{"url":"https://a.example/","api_key":"s3cret"}`},
	{"a batch with more", `{"tenant":"eu","webhooks":[]}`},
	{"tenant is a number", `{"url":"https://a.example/","tenant":7}`},
	{"flow too long", `{"url":"https://a.example/","flow":"` + strings.Repeat("f", 129) + `"}`},
	{"flow with a line break", `{"url":"https://a.example/","flow":"a\nb"}`},
	{"type too long", `{"url":"https://a.example/","type":"` + strings.Repeat("t", 129) + `"}`},
	{"ordering_key too long", `{"url":"https://a.example/","ordering_key":"` + strings.Repeat("k", 257) + `"}`},
	{"limit_key too long", `{"url":"https://a.example/","limit_key":"` + strings.Repeat("k", 257) + `"}`},
	{"unknown priority", `{"url":"https://a.example/","priority":"urgent"}`},
	{"priority is a number", `{"url":"https://a.example/","priority":1}`},
	{"unknown policy", `{"url":"https://a.example/","policy":"braz"}`},
	{"metadata is an array", `{"url":"https://a.example/","metadata":["a"]}`},
	{"metadata of numbers", `{"url":"https://a.example/","metadata":{"a/b~c":1,"d":"e"}}`},
	{"metadata too large", `{"url":"https://a.example/","metadata":{"a":"` + strings.Repeat("m", 4096) + `"}}`},
	{"send_at is no time", `{"url":"https://a.example/","send_at":"tomorrow"}`},
	{"send_at without a zone", `{"url":"https://a.example/","send_at":"2026-02-01T00:00:00"}`},
	{"send_at as a number", `{"url":"https://a.example/","send_at":1769904000}`},
	{"send_at too far ahead", `{"url":"https://a.example/","send_at":"2026-03-02T09:30:01Z"}`},
	{"expires_at has passed", `{"url":"https://a.example/","expires_at":"2026-01-31T09:30:00Z"}`},
	{"expires_at before send_at", `{"url":"https://a.example/","send_at":"2026-02-02T00:00:00Z","expires_at":"2026-02-01T00:00:00Z"}`},
	{"expire_early as a word", `{"url":"https://a.example/","expires_at":"2026-02-01T00:00:00Z","expire_early":"yes"}`},
	{"expire_early alone", `{"url":"https://a.example/","expire_early":true}`},
	{"many faults at once", `{"url":"https://a.example:0/","method":"get","headers":{"Host":"b","X Y":"c"},"body":5,"priority":"now","flw":"a"}`},
}

func forbidding(tb testing.TB) *webhook.Defaults {
	d := defaults(tb)
	d.Destination = func(host string, port uint16) error {
		if host == "192.0.2.1" {
			return fmt.Errorf("%s port %d must not be called", host, port)
		}
		return nil
	}
	return d
}

func TestEveryFaultIsNamedWithItsFieldItsValueAndWhatIsRight(t *testing.T) {
	var got strings.Builder
	for _, tt := range malformed {
		def, faults := parse(forbidding(t), tt.text)
		if def != nil || len(faults) == 0 {
			t.Errorf("%s: accepted", tt.name)
			continue
		}
		fmt.Fprintf(&got, "%s\n", tt.name)
		for _, f := range faults {
			if f.Problem == "" || f.Want == "" {
				t.Errorf("%s: %+v: does not say what is wrong, or what is right", tt.name, f)
			}
			fmt.Fprintf(&got, "  pointer=%q value=%q\n    %s\n    want %s\n", f.Path, f.Value, f.Problem, f.Want)
			if f.TooLarge {
				got.WriteString("    too large\n")
			}
		}
	}
	if strings.Contains(got.String(), "s3cret") {
		t.Error("a fault shows a credential")
	}
	golden(t, "malformed.golden", got.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update shows how. Got:\n%s", path, got)
	}
}

func TestFaultsOfOneDefinitionAreBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"url":"https://a.example/","headers":[`)
	for range 1000 {
		text.WriteString(`1,`)
	}
	text.WriteString(`1]}`)
	_, faults := parse(defaults(t), text.String())
	if len(faults) != 51 || faults[50].Problem != "951 more faults" {
		t.Errorf("got %d faults, the last %v", len(faults), faults[len(faults)-1])
	}
}
