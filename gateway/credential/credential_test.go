package credential

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/persist/record"
)

func everyHost(string) bool { return true }

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issuer is a token endpoint.
type issuer struct {
	asked  atomic.Int64
	answer func(n int64, req *egress.Request, resp *egress.Response)
	mu     sync.Mutex
	last   egress.Request
}

func (i *issuer) fetch(req *egress.Request, resp *egress.Response) {
	i.mu.Lock()
	i.last = *req
	i.mu.Unlock()
	i.answer(i.asked.Add(1), req, resp)
}

// issues answers each request with the next of tokens t1, t2, … after a second.
func issues(life string) *issuer {
	return &issuer{answer: func(n int64, _ *egress.Request, resp *egress.Response) {
		time.Sleep(time.Second)
		resp.Status = 200
		resp.Body = []byte(`{"access_token":"t` + string(rune('0'+n)) + `","token_type":"bearer","expires_in":` + life + `}`)
	}}
}

func oauth2Set(t *testing.T, i *issuer, log zerolog.Logger) *Set {
	t.Helper()
	return New([]Spec{{Name: "erp", Header: "Authorization", Hosts: everyHost, OAuth2: &OAuth2{
		TokenURL: "https://login.example/token", ClientID: "a b", SecretFile: secretFile(t, "s3cret:\n"), Scope: "x y", Audience: "aud",
	}}}, i.fetch, nil, log)
}

func header(t *testing.T, s *Set, name string) string {
	t.Helper()
	h, err := s.Header(name, "default", "api.example", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return h.Value
}

func TestATokenIsFetchedOnceForAllWhoWaitAndRenewedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issues("600")
		s := oauth2Set(t, i, zerolog.Nop())
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if got := header(t, s, "erp"); got != "Bearer t1" {
					t.Errorf("%q", got)
				}
			})
		}
		wg.Wait()
		if n := i.asked.Load(); n != 1 {
			t.Fatalf("%d requests for 50 webhooks", n)
		}
		time.Sleep(538 * time.Second)
		if got := header(t, s, "erp"); got != "Bearer t1" || i.asked.Load() != 1 {
			t.Errorf("62 s before its end: %s after %d requests", got, i.asked.Load())
		}
		time.Sleep(2 * time.Second)
		if got := header(t, s, "erp"); got != "Bearer t1" {
			t.Errorf("a call waits for the token that replaces one that is still good: %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := header(t, s, "erp"); got != "Bearer t2" || i.asked.Load() != 2 {
			t.Errorf("after its renewal: %s after %d requests", got, i.asked.Load())
		}
	})
}

func TestTheRequestForATokenIsThatOfTheSpecification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issues(`"3600"`)
		header(t, oauth2Set(t, i, zerolog.Nop()), "erp")
		if i.last.Method != "POST" || i.last.URL != "https://login.example/token" {
			t.Errorf("%s %s", i.last.Method, i.last.URL)
		}
		if h := i.last.Headers[0]; h.Value != "Basic YStiOnMzY3JldCUzQQ==" { // a+b:s3cret%3A
			t.Errorf("%s: %s", h.Name, h.Value)
		}
		form, err := url.ParseQuery(string(i.last.Body))
		if err != nil || form.Encode() != "audience=aud&grant_type=client_credentials&scope=x+y" {
			t.Errorf("%s (%v)", i.last.Body, err)
		}
	})
}

func TestAnEndpointThatFailsIsLeftAloneAndATokenThatIsGoodGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issues("100")
		good := i.answer
		s := oauth2Set(t, i, zerolog.Nop())
		header(t, s, "erp")
		i.answer = func(_ int64, _ *egress.Request, resp *egress.Response) {
			resp.Status, resp.Body = 400, []byte(`{"error":"invalid_client","error_description":"s3cret"}`)
		}
		time.Sleep(90 * time.Second)
		for range 100 {
			if got := header(t, s, "erp"); got != "Bearer t1" {
				t.Fatal(got)
			}
			synctest.Wait()
		}
		if n := i.asked.Load(); n != 2 {
			t.Errorf("%d requests, want 2: the endpoint is left alone after a failure", n)
		}
		time.Sleep(11 * time.Second)
		_, err := s.Header("erp", "default", "api.example", time.Minute)
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "login.example answered 400: invalid_client") ||
			strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v", err)
		}
		i.answer = good
		time.Sleep(time.Minute)
		if got := header(t, s, "erp"); got == "Bearer t1" {
			t.Errorf("%q has ended", got)
		}
	})
}

func TestA401IsWorthOneNewTokenAndNotOneForEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issues("3600")
		s := oauth2Set(t, i, zerolog.Nop())
		first := header(t, s, "erp")
		if s.Refused("erp", record.Header{Value: first}) {
			t.Error("a token of this moment is replaced")
		}
		time.Sleep(time.Minute)
		for range 10 {
			if !s.Refused("erp", record.Header{Value: first}) {
				t.Error("an old token is not replaced")
			}
		}
		if got := header(t, s, "erp"); got != "Bearer t2" || i.asked.Load() != 2 {
			t.Errorf("%s after %d requests", got, i.asked.Load())
		}
	})
}

func TestAnswersThatAreNoTokenAreToldWithoutTheirContent(t *testing.T) {
	for body, says := range map[string]string{
		`{"access_token":"a\nb","token_type":"Bearer"}`: "without an access_token that can be sent",
		`{"token_type":"Bearer"}`:                       "without an access_token",
		`{"access_token":"s3cret","token_type":"mac"}`:  "another type than Bearer",
		`<html>s3cret`: "not JSON",
	} {
		_, _, err := (&oauth2{of: OAuth2{TokenURL: "https://u:s3cret@login.example/t?s3cret"}}).read(200, []byte(body))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", body, err, says)
		}
	}
}

func TestTheTokenEndpointIsBehindTheGuard(t *testing.T) {
	var asked atomic.Int64
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(`{"access_token":"t","token_type":"Bearer"}`))
	}))
	defer login.Close()
	spec := Spec{Name: "erp", Header: "Authorization", Hosts: everyHost, OAuth2: &OAuth2{
		TokenURL: login.URL, ClientID: "x", SecretFile: secretFile(t, "y"),
	}}
	for _, open := range []bool{false, true} {
		var set egress.Settings
		if open {
			set.AllowNets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		c := egress.New(set)
		_, err := New([]Spec{spec}, c.Do, nil, zerolog.Nop()).Header("erp", "default", "api.example", time.Minute)
		c.Close()
		if (err == nil) != open || !open && !errors.Is(err, egress.ErrBlocked) {
			t.Errorf("with its network open (%t): %v", open, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("it was asked %d times", asked.Load())
	}
}

// In virtual time nobody loses patience while the file is being read.
func TestAFileIsReadAgainWhenItChangesAndItsLastValueOutlivesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := secretFile(t, "Bearer one\n")
		s := New([]Spec{{Name: "crm", Header: "Authorization", Hosts: everyHost, File: path}}, nil, nil, zerolog.Nop())
		if got := header(t, s, "crm"); got != "Bearer one" {
			t.Fatalf("%q", got)
		}
		if err := os.WriteFile(path, []byte("Bearer two"), 0o600); err != nil {
			t.Fatal(err)
		}
		if !s.Refused("crm", record.Header{Value: "Bearer one"}) || header(t, s, "crm") != "Bearer two" {
			t.Error("after a 401 the file is not read at once")
		}
		if s.Refused("crm", record.Header{Value: "Bearer two"}) {
			t.Error("the same value is to be tried again")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		s.Refused("crm", record.Header{Value: "Bearer two"})
		if got := header(t, s, "crm"); got != "Bearer two" {
			t.Errorf("%q, want the last value", got)
		}
	})
}

func TestAFileSystemThatDoesNotAnswerHoldsNobodyUpForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		looks := 0
		f := &file{path: "f", read: func(string, stamp) (string, stamp, error) {
			if looks++; looks != 2 {
				<-hangs
			}
			return "one", stamp{size: 1}, nil
		}}
		const within = 3 * time.Second
		took := func(want time.Duration, value string) {
			t.Helper()
			began := time.Now()
			got, err := f.value(within)
			if took := time.Since(began); took != want || got != value || (err == nil) != (value != "") {
				t.Errorf("%q, %v after %v; want %q after %v", got, err, took, value, want)
			}
		}
		took(within, "") // and the look goes on
		took(within, "")
		hangs <- struct{}{}
		synctest.Wait()
		took(0, "one") // as a new look does
		time.Sleep(lookEvery)
		took(lookPatience, "one") // it hangs again
		took(0, "one")
		began := time.Now()
		if f.refused("one") || time.Since(began) != lookPatience {
			t.Errorf("refused: answered after %v", time.Since(began))
		}
		close(hangs)
		synctest.Wait()
		if looks != 3 {
			t.Errorf("looked %d times, want 3: one at a time", looks)
		}
	})
}

func TestFilesThatHoldNoValueAreRefusedWithoutShowingThem(t *testing.T) {
	for text, says := range map[string]string{
		"": "is empty", "\n": "is empty", "s3cret\nand more": "more than one line", "s3cret\x00": "control character",
		strings.Repeat("s3cret", 2000): "too long",
	} {
		_, err := ReadValue(secretFile(t, text))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%.20q: %v, want %q", text, err, says)
		}
	}
}

func TestACredentialIsForItsHostsAndTenantsOnly(t *testing.T) {
	s := New([]Spec{{
		Name: "crm", Header: "X-Key", Tenants: []string{"eu"}, File: secretFile(t, "v"),
		Hosts: func(host string) bool { return host == "api.example" },
	}}, nil, nil, zerolog.Nop())
	if _, known, allowed := s.For("crm", "eu", "api.example"); !known || !allowed {
		t.Error("its own tenant may not name it for its host")
	}
	if _, known, allowed := s.For("crm", "eu", "other.example"); !known || allowed {
		t.Error("it is for another host")
	}
	if _, known, _ := s.For("crm", "us", "api.example"); known || len(s.Names("us")) != 0 {
		t.Error("another tenant hears of it")
	}
	if h, err := s.Header("crm", "eu", "other.example", time.Second); !errors.Is(err, ErrUnavailable) || h.Value != "" {
		t.Errorf("another host is sent %q (%v)", h.Value, err)
	}
}

func TestEachChangeOfACredentialsStateIsLoggedOnceWithoutIt(t *testing.T) {
	var log bytes.Buffer
	s := New([]Spec{{Name: "crm", Header: "X-Key", Hosts: everyHost, File: secretFile(t, "s3cret")}}, nil, nil, zerolog.New(&log))
	for range 3 {
		s.Settled("crm", "api.example", false)
	}
	for range 3 {
		s.Settled("crm", "api.example", true)
	}
	if n := strings.Count(log.String(), "\n"); n != 2 || strings.Contains(log.String(), "s3cret") {
		t.Errorf("%d lines, want 2:\n%s", n, log.String())
	}
}
