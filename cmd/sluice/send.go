package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

type sendCmd struct {
	URL         string        `arg:"" help:"Where the webhooks go."`
	Gateway     string        `env:"SLUICE_GATEWAY" default:"http://127.0.0.1:8480" placeholder:"URL" help:"The gateway's front door (${default})."`
	Token       string        `env:"SLUICE_TOKEN" placeholder:"TOKEN" help:"The token to present; better in the environment, where others do not see it."`
	Count       int           `short:"n" default:"1" help:"How many webhooks (${default})."`
	Concurrency int           `default:"8" help:"How many are posted at once (${default})."`
	Flow        string        `help:"The flow they belong to."`
	Policy      string        `help:"The policy that treats them."`
	Method      string        `short:"X" default:"POST" help:"Request method (${default})."`
	Header      []string      `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Request header; may be repeated."`
	Body        *string       `short:"d" help:"Request body; - or, when it is not a terminal, nothing: read from stdin."`
	Wait        bool          `short:"w" help:"Wait until each is delivered or has failed."`
	Timeout     time.Duration `default:"10m" help:"Give up after this long, gateway restarts included (${default})."`
	Output      string        `short:"o" enum:"text,json" default:"text" help:"Result on stdout as text or json."`
	TLS         tlsFlags      `embed:""`
}

// Run sends, waits if asked to, and reports; it fails unless every webhook was accepted and, with --wait, delivered.
func (c *sendCmd) Run(ctx context.Context) error {
	if c.Count < 1 || c.Concurrency < 1 {
		return usageError{fmt.Errorf("--count %d, --concurrency %d: want 1 or more of each", c.Count, c.Concurrency)}
	}
	definition, err := c.definition()
	if err != nil {
		return usageError{err}
	}
	secure, err := c.TLS.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	s := &sending{
		gateway: strings.TrimSuffix(c.Gateway, "/"), definition: definition, token: c.Token,
		client: &http.Client{
			Timeout:   30 * time.Second,
			Transport: &http.Transport{TLSClientConfig: secure, MaxIdleConnsPerHost: c.Concurrency, MaxConnsPerHost: c.Concurrency},
		},
		progress: newProgress(os.Stderr, c.Count),
	}
	began := time.Now()
	ids, err := s.post(ctx, c.Count, c.Concurrency)
	result := sendResult{Accepted: len(ids), Pending: len(ids)}
	if err == nil && c.Wait {
		s.await(ctx, ids, c.Concurrency, &result)
	}
	s.progress.end()
	result.Seconds = time.Since(began).Seconds()
	if err := c.report(result); err != nil {
		return err
	}
	switch {
	case err != nil:
		return err
	case c.Wait && result.Delivered < c.Count:
		if result.Pending > 0 {
			return fmt.Errorf("%d of %d still wait after %s", result.Pending, c.Count, time.Since(began).Round(time.Second))
		}
		return fmt.Errorf("%d of %d were delivered", result.Delivered, c.Count)
	}
	return nil
}

// definition is what is posted for each webhook, less the id that is put into its headers.
func (c *sendCmd) definition() (map[string]any, error) {
	d := map[string]any{"url": c.URL, "method": c.Method}
	if c.Flow != "" {
		d["flow"] = c.Flow
	}
	if c.Policy != "" {
		d["policy"] = c.Policy
	}
	headers := [][2]string{}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, fmt.Errorf("--header %q: want 'Name: value'", h)
		}
		headers = append(headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	d["headers"] = headers
	body, err := c.body()
	switch {
	case err != nil:
		return nil, err
	case len(body) == 0:
	case utf8.Valid(body):
		d["body"] = string(body)
	default:
		d["body_base64"] = body
	}
	return d, nil
}

func (c *sendCmd) body() ([]byte, error) {
	switch {
	case c.Body != nil && *c.Body != "-":
		return []byte(*c.Body), nil
	case c.Body == nil && (c.Method == "GET" || c.Method == "HEAD" || isatty.IsTerminal(os.Stdin.Fd())):
		return nil, nil
	}
	b, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("reading the body from stdin: %w", err)
	}
	return b, nil
}

// sendResult is what -o json prints.
type sendResult struct {
	Accepted  int     `json:"accepted"`
	Delivered int     `json:"delivered"`
	Failed    int     `json:"failed"`
	Expired   int     `json:"expired"`
	Cancelled int     `json:"cancelled"`
	Pending   int     `json:"pending"` // accepted, and not known to have ended
	Seconds   float64 `json:"seconds"` // from the first post to the last answer
}

func (c *sendCmd) report(r sendResult) error {
	if c.Output == "json" {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	_, err := fmt.Fprintf(os.Stdout, "accepted %d  delivered %d  failed %d  expired %d  cancelled %d  pending %d  in %.1f s\n",
		r.Accepted, r.Delivered, r.Failed, r.Expired, r.Cancelled, r.Pending, r.Seconds)
	return err
}
