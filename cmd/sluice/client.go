package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// apiFlags are the flags of every command that asks a gateway's front door; embed them.
type apiFlags struct {
	Gateway string   `env:"SLUICE_GATEWAY" default:"http://127.0.0.1:8480" placeholder:"URL" help:"The gateway's front door (${default})."`
	Token   string   `env:"SLUICE_TOKEN" placeholder:"TOKEN" help:"Bearer token, where the gateway asks for one; the environment keeps it out of process lists."`
	Output  string   `short:"o" enum:"text,json" default:"text" help:"Result on stdout as text or json."`
	TLS     tlsFlags `embed:""`
}

// apiClient asks a gateway's front door.
type apiClient struct {
	base, token string
	http        *http.Client
}

const (
	// apiTimeout is longer than a gateway takes to make a change durable, or to say that it could not.
	apiTimeout = 30 * time.Second
	// maxAnswer bounds an answer, in bytes; a gateway with 100,000 hosts lists them in less.
	maxAnswer = 256 << 20
)

// client returns a client by the flags; its error is a usageError.
func (f *apiFlags) client() (*apiClient, error) {
	u, err := url.Parse(f.Gateway)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, usageError{fmt.Errorf("--gateway %q: want a URL as in http://127.0.0.1:8480", f.Gateway)}
	}
	if strings.ContainsFunc(f.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, usageError{errors.New("--token: it has characters that no bearer token has; want one as `sluice token new` prints it")}
	}
	client, err := f.TLS.client()
	if err != nil {
		return nil, err
	}
	return &apiClient{base: strings.TrimSuffix(f.Gateway, "/"), token: f.Token, http: client}, nil
}

// ask makes one call and reads the answer of a success into answer, which may be nil; raw is that answer as it came. path
// has its segments escaped and may have a query. body is sent as JSON, nil: none. A problem document is returned as a
// *problemError.
func (c *apiClient) ask(ctx context.Context, method, path string, body, answer any) (raw []byte, err error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encoding what is asked of %s: %w", path, err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("is a gateway running at %s? %w", c.base, err)
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.base, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, refusal(resp, raw)
	}
	if answer == nil || len(raw) == 0 {
		return raw, nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return nil, fmt.Errorf("%s gave an answer that is no gateway's: %w", c.base, err)
	}
	return raw, nil
}

// run makes one call and prints what came of it: the answer as it came for -o json, else what text makes of it once it
// has been read into answer.
func (f *apiFlags) run(ctx context.Context, k *kong.Context, method, path string, body, answer any, text func(io.Writer) error) error {
	c, err := f.client()
	if err != nil {
		return err
	}
	raw, err := c.ask(ctx, method, path, body, answer)
	if err != nil {
		return err
	}
	if f.Output == "json" {
		_, err = fmt.Fprintf(k.Stdout, "%s\n", raw)
		return err
	}
	return text(k.Stdout)
}

// problemError is a problem document (RFC 9457) that a gateway answered with.
type problemError struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Errors []problemFault `json:"errors"`

	retryAfter string // as the header had it; empty: it had none
}

type problemFault struct {
	Pointer string `json:"pointer"`
	Value   string `json:"value"`
	Problem string `json:"problem"`
	Want    string `json:"want"`
}

// refusal makes an error of an answer that is no success.
func refusal(resp *http.Response, raw []byte) error {
	p := &problemError{retryAfter: resp.Header.Get("Retry-After")}
	if err := json.Unmarshal(raw, p); err != nil || p.Title == "" {
		const shown = 300 // bytes
		return fmt.Errorf("%s: %s", resp.Status, legible(string(bytes.TrimSpace(raw[:min(len(raw), shown)]))))
	}
	p.Status = resp.StatusCode
	return p
}

// Error says the problem in a line, and each of its faults, where there are several, in one more.
func (p *problemError) Error() string {
	var b strings.Builder
	b.WriteString(legible(p.Title))
	if len(p.Errors) <= 1 && p.Detail != "" {
		b.WriteString(": " + legible(p.Detail))
	}
	if len(p.Errors) > 1 {
		for _, f := range p.Errors {
			b.WriteString("\n  " + legible(f.Pointer))
			if f.Value != "" {
				b.WriteString(": " + legible(f.Value))
			}
			b.WriteString(": " + legible(f.Problem))
			if f.Want != "" {
				b.WriteString(": want " + legible(f.Want))
			}
		}
	}
	if p.retryAfter != "" {
		fmt.Fprintf(&b, " (again after %s s)", legible(p.retryAfter))
	}
	return b.String()
}
