package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/persist/record"
)

// OAuth2 is how an access token is fetched by client credentials (RFC 6749 section 4.4).
type OAuth2 struct {
	TokenURL   string
	ClientID   string
	SecretFile string // whose one line is the client's secret
	Scope      string // RFC 6749 section 3.3; empty: not asked for
	Audience   string // of the servers that take one, Auth0 among them; empty: not told
}

const (
	// fetchTimeout bounds one request for a token.
	fetchTimeout = 30 * time.Second
	// maxAnswer bounds a token endpoint's answer, in bytes: tokens that are JWTs take some KiB.
	maxAnswer = 64 << 10
	// earlyPart and earlyMost are how long before its end a token is replaced: a fifth of its life, at most a minute.
	earlyPart = 5
	earlyMost = time.Minute
	// unstated is the life of a token whose answer does not tell it; the specification leaves that to documentation.
	unstated = 10 * time.Minute
	// leastAge is how old a token must be for a 401 to be worth a new one: else a destination that refuses every token
	// would have one fetched for each call.
	leastAge = 5 * time.Second
	// After a failure the endpoint is left alone, twice as long each time.
	waitFirst, waitMost = time.Second, time.Minute
)

// oauth2 keeps one access token. Whoever finds it missing or old fetches; others go on with what there is, or wait for the
// one request under way.
type oauth2 struct {
	of    OAuth2
	fetch Fetch

	mu      sync.Mutex
	token   string
	fetched time.Time
	renew   time.Time // when it is to be replaced
	expires time.Time
	flight  chan struct{} // closed when the request under way has ended; nil: there is none
	err     error         // of the last request, nil after a success
	wait    time.Duration
	retry   time.Time // not before
}

func (o *oauth2) value(within time.Duration) (string, error) {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		o.mu.Lock()
		now := time.Now()
		usable := o.token != "" && now.Before(o.expires)
		fresh := usable && now.Before(o.renew)
		switch {
		case fresh, usable && (o.flight != nil || now.Before(o.retry)):
			token := o.token
			o.mu.Unlock()
			return "Bearer " + token, nil
		case o.flight == nil && now.Before(o.retry):
			err := o.err
			o.mu.Unlock()
			return "", err
		case o.flight == nil:
			o.flight = make(chan struct{})
			go o.refresh(o.flight)
		}
		flight := o.flight
		token := o.token
		o.mu.Unlock()
		if usable {
			return "Bearer " + token, nil // while another is on its way
		}
		select {
		case <-flight:
		case <-deadline.C:
			return "", fmt.Errorf("%s gave no token in time", o.place())
		}
	}
}

func (o *oauth2) refused(value string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.token == "" || "Bearer "+o.token != value {
		return true // there is another already, or will be
	}
	if time.Since(o.fetched) < leastAge {
		return false
	}
	o.token = ""
	return true
}

// refresh asks for a token and ends the flight.
func (o *oauth2) refresh(flight chan struct{}) {
	token, life, err := o.ask()
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.err = err; err != nil {
		o.wait = min(max(2*o.wait, waitFirst), waitMost)
		o.retry = now.Add(o.wait)
	} else {
		o.wait, o.retry = 0, time.Time{}
		o.token, o.fetched, o.expires = token, now, now.Add(life)
		o.renew = o.expires.Add(-min(life/earlyPart, earlyMost))
	}
	o.flight = nil
	close(flight)
}

// ask makes the request (RFC 6749 section 4.4.2), the client known by Basic authentication (section 2.3.1).
func (o *oauth2) ask() (token string, life time.Duration, err error) {
	secret, err := ReadValue(o.of.SecretFile)
	if err != nil {
		return "", 0, err
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if o.of.Scope != "" {
		form.Set("scope", o.of.Scope)
	}
	if o.of.Audience != "" {
		form.Set("audience", o.of.Audience)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(o.of.ClientID) + ":" + url.QueryEscape(secret)))
	var resp egress.Response
	o.fetch(&egress.Request{
		Method: "POST", URL: o.of.TokenURL, Body: []byte(form.Encode()), Timeout: fetchTimeout, MaxResponse: maxAnswer,
		Headers: []record.Header{
			{Name: "Authorization", Value: "Basic " + basic},
			{Name: "Content-Type", Value: "application/x-www-form-urlencoded"},
			{Name: "Accept", Value: "application/json"},
		},
	}, &resp)
	if resp.Err != nil {
		return "", 0, fmt.Errorf("asking %s for a token: %w", o.place(), resp.Err)
	}
	return o.read(resp.Status, resp.Body)
}

// read reads the answer (RFC 6749 sections 5.1 and 5.2). What it says is not repeated, but for the error's code.
func (o *oauth2) read(status int, body []byte) (token string, life time.Duration, err error) {
	var said struct {
		Token   string      `json:"access_token"`
		Type    string      `json:"token_type"`
		Expires json.Number `json:"expires_in"` // a number, and from some servers a string of one
		Error   string      `json:"error"`
	}
	unread := json.Unmarshal(body, &said)
	switch {
	case status != 200:
		return "", 0, fmt.Errorf("%s answered %d%s", o.place(), status, code(said.Error))
	case unread != nil:
		return "", 0, fmt.Errorf("%s answered with what is not JSON, or not as RFC 6749 section 5.1 has it", o.place())
	case said.Token == "" || len(said.Token) > maxValue || !httpguts.ValidHeaderFieldValue(said.Token):
		return "", 0, fmt.Errorf("%s answered without an access_token that can be sent", o.place())
	case said.Type != "" && !strings.EqualFold(said.Type, "Bearer"):
		return "", 0, errors.New(o.place() + " answered with a token of another type than Bearer (RFC 6750)")
	}
	life = unstated
	if seconds, err := said.Expires.Float64(); err == nil && seconds > 0 {
		life = time.Duration(min(seconds, 365*24*3600) * float64(time.Second))
	}
	return said.Token, life, nil
}

// code is an error's code where it is one of those in RFC 6749 section 5.2, fit to be shown.
func code(s string) string {
	if len(s) == 0 || len(s) > 64 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return ": " + s
}

// place names the token endpoint without what may be secret in its URL.
func (o *oauth2) place() string {
	u, err := url.Parse(o.of.TokenURL)
	if err != nil {
		return "the token endpoint"
	}
	return "the token endpoint at " + u.Host
}
