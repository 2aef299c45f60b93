package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// calling runs a call of a command against a server that answers as told, and returns what was printed.
func calling(t *testing.T, f apiFlags, handle http.HandlerFunc) (stdout string, err error) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	f.Gateway = server.URL + "/"
	var out bytes.Buffer
	k := &kong.Context{Kong: &kong.Kong{Stdout: &out}}
	var answer struct{ Name string }
	err = f.run(t.Context(), k, "POST", "/v1/things/a%2Fb?x=1", map[string]int{"n": 1}, &answer, func(to io.Writer) error {
		_, err := io.WriteString(to, "it is called "+answer.Name)
		return err
	})
	return out.String(), err
}

func TestACallCarriesTheTokenThePathAsItIsAndTheBodyAsJSON(t *testing.T) {
	for output, want := range map[string]string{"text": "it is called x", "json": `{"name": "x"}` + "\n"} {
		got, err := calling(t, apiFlags{Token: "secret", Output: output}, func(w http.ResponseWriter, r *http.Request) {
			var body bytes.Buffer
			_, _ = body.ReadFrom(r.Body)
			if r.RequestURI != "/v1/things/a%2Fb?x=1" || r.Header.Get("Authorization") != "Bearer secret" ||
				r.Header.Get("Content-Type") != "application/json" || body.String() != `{"n":1}` {
				t.Errorf("%s %v: %s", r.RequestURI, r.Header, body.String())
			}
			_, _ = w.Write([]byte(`{"name": "x"}`))
		})
		if err != nil || got != want {
			t.Errorf("-o %s: %q (%v), want %q", output, got, err, want)
		}
	}
}

func TestAProblemDocumentIsSaidInWords(t *testing.T) {
	for _, c := range []struct{ name, document, want string }{
		{"one", `{"title":"There is no such thing","detail":"Nothing is known of host \"b\"","errors":[]}`,
			`There is no such thing: Nothing is known of host "b" (again after 5 s)`},
		{"several", `{"title":"The definition is not valid","detail":"2 faults","errors":[` +
			`{"pointer":"/url","value":"x","problem":"is no URL","want":"https://…"},{"pointer":"/flow","problem":"is too long"}]}`,
			"The definition is not valid\n  /url: x: is no URL: want https://…\n  /flow: is too long (again after 5 s)"},
		{"none", "<html>\x1b[31m", `503 Service Unavailable: "<html>\x1b[31m"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := calling(t, apiFlags{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "5")
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte(c.document))
			})
			if err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestATokenIsNotTakenWhereAGatewayPointsTo(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	_, err := calling(t, apiFlags{Token: "secret"}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	if err == nil {
		t.Error("a redirect was taken for an answer")
	}
}

func TestAGatewayOrTokenThatIsNoneIsAUsageError(t *testing.T) {
	for _, f := range []apiFlags{
		{Gateway: "127.0.0.1:8480"}, {Gateway: "ftp://x"}, {Gateway: "http://u:p@x"}, {Gateway: "http://x?a"},
		{Gateway: "http://x", Token: "a\nb"}, {Gateway: "http://x", Token: "a b"},
	} {
		if _, err := f.client(); !isUsage(err) {
			t.Errorf("%+v: %v, want a usage error", f, err)
		}
	}
}

func isUsage(err error) bool { return errors.As(err, new(usageError)) }

func TestATableKeepsWhatOthersWroteFromSteeringTheTerminal(t *testing.T) {
	var b bytes.Buffer
	if err := table(&b, []string{"NAME", "N"}, [][]string{{"a\x1b[2J", grouped(1234567)}, {"", grouped(-999)}}); err != nil {
		t.Fatal(err)
	}
	want := "NAME        N\n\"a\\x1b[2J\"  1,234,567\n-           -999\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestAgoSaysAnInstantFromHere(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	past, ahead := now.Add(-90*time.Second), now.Add(5*time.Second)
	if got := []string{ago(&past, now), ago(&ahead, now), ago(nil, now)}; got[0] != "1m30s ago" || got[1] != "in 5s" || got[2] != "" {
		t.Errorf("%q", got)
	}
}
