package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/alecthomas/kong"
)

// flowCmd looks at streams of webhooks and brakes them, by the API's words for it.
type flowCmd struct {
	List   flowListCmd   `cmd:"" help:"List every flow that waits, is under way or held."`
	Show   flowActCmd    `cmd:"" help:"Show one."`
	Pause  flowActCmd    `cmd:"" help:"Hold a flow on every host, also what is accepted later."`
	Resume flowActCmd    `cmd:"" help:"Let a flow go on."`
	Cancel flowCancelCmd `cmd:"" help:"End what waits of a flow, without an attempt."`
}

// flowView is what is printed of a flow.
type flowView struct {
	Tenant    string     `json:"tenant"`
	Flow      string     `json:"flow"`
	State     string     `json:"state"`
	Held      bool       `json:"held"` // of one host's
	Waiting   int64      `json:"waiting"`
	More      bool       `json:"more"`
	InFlight  int64      `json:"in_flight"`
	Cancelled int64      `json:"cancelled"`
	OldestAt  *time.Time `json:"oldest_at"`
	HeldSince *time.Time `json:"held_since"`
}

var flowColumns = []string{"TENANT", "FLOW", "STATE", "WAITING", "OLDEST"}

func (v *flowView) row(now time.Time) []string {
	state := v.State
	switch {
	case v.Held:
		state = "held"
	case state == "": // of a host's flows only that is told
		state = "sending"
	}
	return []string{v.Tenant, v.Flow, state, many(v.Waiting, v.More), ago(v.OldestAt, now)}
}

func printFlows(to io.Writer, all []flowView) error {
	rows := make([][]string, len(all))
	for i := range all {
		v := &all[i]
		rows[i] = append(v.row(time.Now()), grouped(v.InFlight), grouped(v.Cancelled), ago(v.HeldSince, time.Now()))
	}
	return table(to, append(flowColumns[:len(flowColumns):len(flowColumns)], "IN FLIGHT", "CANCELLED", "HELD"), rows)
}

type flowListCmd struct {
	apiFlags
	Tenant string `help:"Only those of this tenant."`
}

// Run prints a table of all flows.
func (c *flowListCmd) Run(ctx context.Context, k *kong.Context) error {
	var all []flowView
	query := url.Values{}
	if c.Tenant != "" {
		query.Set("tenant", c.Tenant)
	}
	return c.list(ctx, k, "/v1/flows", query, "flows", func(raw json.RawMessage) error {
		var v flowView
		err := json.Unmarshal(raw, &v)
		all = append(all, v)
		return err
	}, func(to io.Writer) error { return printFlows(to, all) })
}

type flowActCmd struct {
	apiFlags
	Flow   string `arg:"" help:"The flow."`
	Tenant string `help:"Whose it is; without it the token's, or default."`
}

// Run does what the command's name says and prints the flow as it then stands.
func (c *flowActCmd) Run(ctx context.Context, k *kong.Context) error {
	method, path := http.MethodPost, flowPath(c.Flow, "/"+k.Selected().Name, c.Tenant)
	if k.Selected().Name == "show" {
		method, path = http.MethodGet, flowPath(c.Flow, "", c.Tenant)
	}
	var v flowView
	return c.run(ctx, k, method, path, nil, &v, func(to io.Writer) error { return printFlows(to, []flowView{v}) })
}

type flowCancelCmd struct {
	apiFlags
	Flow    string        `arg:"" help:"The flow."`
	Tenant  string        `help:"Whose it is; without it the token's, or default."`
	Wait    bool          `short:"w" help:"Wait until all has ended."`
	Timeout time.Duration `default:"10m" help:"Wait no longer than this (${default})."`
}

// Run begins the cancellation, waits for its end if asked to, and prints the job.
func (c *flowCancelCmd) Run(ctx context.Context, k *kong.Context) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var job struct {
		ID    string `json:"id"`
		State string `json:"state"`
		Done  int64  `json:"done"`
		Total int64  `json:"total"` // 0: null, it is not known
		Error string `json:"error"`
	}
	raw, err := api.ask(ctx, http.MethodPost, flowPath(c.Flow, "/cancel", c.Tenant), nil, &job)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	line := newProgress(os.Stderr, 0)
	defer line.end()
	for c.Wait && (job.State == "running" || job.State == "waiting") {
		if !pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("job %s still runs after %s: %s cancelled so far", job.ID, c.Timeout, grouped(job.Done))
		}
		if raw, err = api.ask(ctx, http.MethodGet, "/v1/jobs/"+url.PathEscape(job.ID), nil, &job); err != nil {
			return err
		}
		if line.total = int(job.Total); line.total > 0 {
			line.show("cancelled", int(job.Done))
		}
	}
	if c.Output == "json" {
		_, err = fmt.Fprintf(k.Stdout, "%s\n", raw)
	} else {
		err = table(k.Stdout, []string{"JOB", "STATE", "CANCELLED"}, [][]string{{job.ID, job.State, grouped(job.Done)}})
	}
	if err == nil && job.State == "failed" {
		err = fmt.Errorf("job %s failed: %s", job.ID, legible(job.Error))
	}
	return err
}

func flowPath(flow, part, tenant string) string {
	return "/v1/flows/" + url.PathEscape(flow) + part + ofTenant(tenant)
}

func ofTenant(tenant string) string {
	if tenant == "" {
		return ""
	}
	return "?tenant=" + url.QueryEscape(tenant)
}
