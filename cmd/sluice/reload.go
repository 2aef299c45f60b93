package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

// reloadCmd has a running gateway read its configuration file again, as SIGHUP does, and says what came of it. What was
// applied, or what is wrong with the file, is data and goes to stdout; the summary goes to stderr.
type reloadCmd struct {
	Admin  string   `env:"SLUICE_ADMIN" default:"127.0.0.1:8481" placeholder:"HOST:PORT" help:"The gateway's admin address (${default}); https://HOST:PORT where it speaks TLS."`
	Token  string   `env:"SLUICE_TOKEN" placeholder:"TOKEN" help:"The token to present, where the admin address is not on loopback."`
	Output string   `short:"o" enum:"text,json" default:"text" help:"How it is printed: ${enum}."`
	TLS    tlsFlags `embed:""`
}

// Run asks for the reload. It fails when the gateway did not reload; what was in force stays then.
func (c *reloadCmd) Run(ctx context.Context, k *kong.Context) error {
	client, err := c.TLS.client()
	if err != nil {
		return err
	}
	url := strings.TrimSuffix(c.Admin, "/") + "/reload"
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		url = "http://" + url
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return usageError{fmt.Errorf("--admin %q: want host:port, as in %s, or https://host:port", c.Admin, configs.DefaultAdmin)}
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("is a gateway running, with its admin address at %s? %w", c.Admin, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(configs.MaxFile)))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return c.refused(k, resp.Status, body)
	}
	return c.reloaded(k, body)
}

// reloaded prints what a reload changed.
func (c *reloadCmd) reloaded(k *kong.Context, body []byte) error {
	var done gateway.Reloaded
	if err := json.Unmarshal(body, &done); err != nil {
		return fmt.Errorf("an answer that is no gateway's: %w", err)
	}
	fmt.Fprintf(k.Stderr, "reloaded: %s applied, %s for a restart\n", count(len(done.Applied), "change", "changes"),
		count(len(done.NeedsRestart), "waits", "wait"))
	if c.Output == "json" {
		return json.NewEncoder(k.Stdout).Encode(done)
	}
	for _, path := range done.Applied {
		fmt.Fprintf(k.Stdout, "applied        %s\n", path)
	}
	for _, path := range done.NeedsRestart {
		fmt.Fprintf(k.Stdout, "needs restart  %s\n", path)
	}
	return nil
}

// refused prints why a reload did not happen.
func (c *reloadCmd) refused(k *kong.Context, status string, body []byte) error {
	var problem struct {
		Detail string         `json:"detail"`
		Errors configs.Faults `json:"errors"`
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		return fmt.Errorf("%s: %s", status, strings.TrimSpace(string(body)))
	}
	if len(problem.Errors) == 0 {
		return fmt.Errorf("not reloaded, what was in force stays: %s", problem.Detail)
	}
	fmt.Fprintf(k.Stderr, "not reloaded, what was in force stays: %s\n", count(len(problem.Errors), "fault", "faults"))
	if err := printFaults(k, c.Output, problem.Errors); err != nil {
		return err
	}
	return errFailed
}
