package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/configs"
)

// webhookCmd looks at webhooks and repairs what went wrong.
type webhookCmd struct {
	List   webhookListCmd   `cmd:"" help:"List webhooks, those that wait first, then those that are over, the latest first."`
	Show   webhookShowCmd   `cmd:"" help:"Show a webhook: why it waits, and each attempt."`
	Retry  webhookRetryCmd  `cmd:"" help:"Try a webhook again: now if it waits, anew if it is over."`
	Cancel webhookCancelCmd `cmd:"" help:"Cancel a webhook that is not over."`
	Replay webhookReplayCmd `cmd:"" help:"Send what is over again, by a filter, and wait for the job."`
}

// webhookFilter is what webhooks are asked for by.
type webhookFilter struct {
	Host         string `help:"Destination, as in sluice host list."`
	Flow         string `help:"Flow."`
	Type         string `help:"Type, as definitions have it."`
	State        string `help:"pending, sending, delivered, failed, expired or cancelled."`
	Status       string `help:"HTTP status of the last attempt, as in 404, or its class, as in 4xx."`
	Subscription string `help:"Subscription."`
	Event        string `help:"Event."`
	Tenant       string `help:"Tenant."`
	Since        string `help:"Changed at or after this instant (RFC 3339), or so long ago at most, as in 2h or 7d."`
	Until        string `help:"Changed before this instant (RFC 3339), or so long ago at least."`
}

// given returns what is set, by the API's names. Its error is a usageError.
func (f *webhookFilter) given(now time.Time) (map[string]string, error) {
	all := map[string]string{
		"host": f.Host, "flow": f.Flow, "type": f.Type, "state": f.State, "status": f.Status, "subscription": f.Subscription,
		"event": f.Event, "tenant": f.Tenant, "since": f.Since, "until": f.Until,
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	for _, name := range []string{"since", "until"} {
		value, ok := all[name]
		if !ok {
			continue
		}
		at, err := instantOf(value, now)
		if err != nil {
			return nil, usageError{fmt.Errorf("--%s %q: %w", name, value, err)}
		}
		all[name] = at.UTC().Format(time.RFC3339Nano)
	}
	return all, nil
}

// instantOf reads an instant, or how long ago it was.
func instantOf(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	var ago configs.Duration
	if err := ago.UnmarshalText([]byte(text)); err != nil || ago < 0 {
		return time.Time{}, errors.New("want an instant of RFC 3339, as in 2026-01-31T09:30:00Z, or how long ago that was, as in 90s, 2h or 7d")
	}
	return now.Add(-time.Duration(ago)), nil
}

type webhookListCmd struct {
	apiFlags
	webhookFilter
	Limit int `default:"50" help:"Rows at most, over as many pages as that takes."`
}

// listedWebhook is a row of the log as the API shows it.
type listedWebhook struct {
	ID         string    `json:"id"`
	State      string    `json:"state"`
	Host       string    `json:"host"`
	Flow       string    `json:"flow"`
	Type       string    `json:"type"`
	UpdatedAt  time.Time `json:"updated_at"`
	Status     *int      `json:"status"`
	ErrorClass *string   `json:"error_class"`
	Tries      struct {
		Used int `json:"used"`
	} `json:"tries"`
}

// Run lists webhooks, page after page. -o json prints one row a line.
func (c *webhookListCmd) Run(k *kong.Context) error {
	if c.Limit < 1 {
		return usageError{fmt.Errorf("--limit %d: want 1 or more", c.Limit)}
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	given, err := c.given(time.Now())
	if err != nil {
		return err
	}
	query := url.Values{}
	for name, value := range given {
		query.Set(name, value)
	}
	var rows [][]string
	more := false
	for printed := 0; printed < c.Limit; {
		query.Set("limit", strconv.Itoa(min(c.Limit-printed, 500)))
		var page struct {
			Webhooks []json.RawMessage `json:"webhooks"`
			Next     *string           `json:"next"`
		}
		if _, err := client.ask(context.Background(), "GET", "/v1/webhooks?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, raw := range page.Webhooks {
			printed++
			if c.Output == "json" {
				fmt.Fprintf(k.Stdout, "%s\n", raw)
				continue
			}
			var w listedWebhook
			if err := json.Unmarshal(raw, &w); err != nil {
				return fmt.Errorf("a row of the log that is no gateway's: %w", err)
			}
			rows = append(rows, w.cells(time.Now()))
		}
		if more = page.Next != nil; !more {
			break
		}
		query.Set("cursor", *page.Next)
	}
	if more {
		fmt.Fprintf(k.Stderr, "these are the latest %d, and there may be more: --limit %d shows twice as many\n", c.Limit, 2*c.Limit)
	}
	if c.Output == "json" {
		return nil
	}
	return table(k.Stdout, []string{"ID", "STATE", "HOST", "FLOW", "TYPE", "STATUS", "TRIES", "CHANGED"}, rows)
}

func (w *listedWebhook) cells(now time.Time) []string {
	status := ""
	switch {
	case w.Status != nil:
		status = strconv.Itoa(*w.Status)
	case w.ErrorClass != nil:
		status = *w.ErrorClass
	}
	return []string{w.ID, w.State, w.Host, w.Flow, w.Type, status, strconv.Itoa(w.Tries.Used), ago(&w.UpdatedAt, now)}
}

type webhookShowCmd struct {
	apiFlags
	ID      string `arg:"" help:"Its id."`
	Payload bool   `help:"With headers and body."`
}

// shownWebhookText is what text shows of a webhook.
type shownWebhookText struct {
	listedWebhook
	Method  string `json:"method"`
	URL     string `json:"url"`
	Policy  string `json:"policy"`
	Reason  string `json:"reason"`
	Replays string `json:"replays"`
	Waiting *struct {
		Reason string     `json:"reason"`
		Detail string     `json:"detail"`
		Until  *time.Time `json:"until"`
	} `json:"waiting"`
	Attempts []struct {
		N          int       `json:"n"`
		At         time.Time `json:"at"`
		DurationMs int64     `json:"duration_ms"`
		Status     *int      `json:"status"`
		Outcome    string    `json:"outcome"`
		ErrorClass *string   `json:"error_class"`
		Body       string    `json:"response_body"`
	} `json:"attempts"`
	Payload json.RawMessage `json:"payload"`
}

// Run shows a webhook.
func (c *webhookShowCmd) Run(k *kong.Context) error {
	path := "/v1/webhooks/" + url.PathEscape(c.ID)
	if c.Payload {
		path += "?include=payload"
	}
	var w shownWebhookText
	return c.run(context.Background(), k, "GET", path, nil, &w, w.print)
}

func (w *shownWebhookText) print(to io.Writer) error {
	fmt.Fprintf(to, "%s  %s  %s %s\n", w.ID, w.State, w.Method, legible(w.URL))
	fmt.Fprintf(to, "flow %s, policy %s, type %s\n", legible(w.Flow), legible(w.Policy), legible(cmp.Or(w.Type, "-")))
	if w.Replays != "" {
		fmt.Fprintf(to, "repeats %s\n", w.Replays)
	}
	if w.Reason != "" {
		fmt.Fprintf(to, "%s\n", legible(w.Reason))
	}
	if w.Waiting != nil {
		fmt.Fprintf(to, "waits (%s): %s\n", w.Waiting.Reason, legible(w.Waiting.Detail))
	}
	rows := make([][]string, 0, len(w.Attempts))
	for i := range w.Attempts {
		a := &w.Attempts[i]
		status := ""
		switch {
		case a.Status != nil:
			status = strconv.Itoa(*a.Status)
		case a.ErrorClass != nil:
			status = *a.ErrorClass
		}
		const shown = 60 // bytes of an answer
		rows = append(rows, []string{
			strconv.Itoa(a.N), a.At.UTC().Format("2006-01-02 15:04:05.000"), strconv.FormatInt(a.DurationMs, 10) + " ms", status,
			a.Outcome, a.Body[:min(len(a.Body), shown)],
		})
	}
	if len(rows) > 0 {
		if err := table(to, []string{"N", "AT", "TOOK", "STATUS", "OUTCOME", "ANSWER"}, rows); err != nil {
			return err
		}
	}
	if len(w.Payload) > 0 {
		fmt.Fprintf(to, "payload %s\n", legible(string(w.Payload)))
	}
	return nil
}

type webhookRetryCmd struct {
	apiFlags
	ID string `arg:"" help:"Its id."`
}

// Run has a webhook tried again.
func (c *webhookRetryCmd) Run(k *kong.Context) error {
	var answer struct {
		ID      string  `json:"id"`
		Replays *string `json:"replays"`
	}
	return c.run(context.Background(), k, "POST", "/v1/webhooks/"+url.PathEscape(c.ID)+"/retry", nil, &answer, func(to io.Writer) error {
		if answer.Replays == nil {
			_, err := fmt.Fprintf(to, "%s is due now\n", answer.ID)
			return err
		}
		_, err := fmt.Fprintf(to, "%s repeats %s\n", answer.ID, *answer.Replays)
		return err
	})
}

type webhookCancelCmd struct {
	apiFlags
	ID string `arg:"" help:"Its id."`
}

// Run cancels a webhook.
func (c *webhookCancelCmd) Run(k *kong.Context) error {
	var w listedWebhook
	return c.run(context.Background(), k, "DELETE", "/v1/webhooks/"+url.PathEscape(c.ID), nil, &w, func(to io.Writer) error {
		_, err := fmt.Fprintf(to, "%s is %s\n", w.ID, w.State)
		return err
	})
}

type webhookReplayCmd struct {
	apiFlags
	webhookFilter
	DryRun bool `help:"Count, and send nothing."`
}

// askAgain is how often a job is looked at.
const askAgain = 500 * time.Millisecond

// Run begins a replay and waits for its job; cancelled or failed is a failure. What it accepted is sent at the pace of its
// destinations, which may take longer.
func (c *webhookReplayCmd) Run(k *kong.Context) error {
	ctx := context.Background()
	given, err := c.given(time.Now())
	if err != nil {
		return err
	}
	body := map[string]any{"filter": given}
	if c.DryRun {
		body["dry_run"] = true
		var counted struct {
			Count int64 `json:"count"`
			Whole bool  `json:"whole"`
		}
		return c.run(ctx, k, "POST", "/v1/replays", body, &counted, func(to io.Writer) error {
			more := ""
			if !counted.Whole {
				more = ", and more"
			}
			_, err := fmt.Fprintf(to, "%s%s\n", grouped(counted.Count), more)
			return err
		})
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	var job struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Error   string `json:"error"`
		Done    int64  `json:"done"`
		Skipped int64  `json:"skipped"`
	}
	raw, err := client.ask(ctx, "POST", "/v1/replays", body, &job)
	for err == nil && (job.State == "running" || job.State == "waiting") {
		time.Sleep(askAgain)
		raw, err = client.ask(ctx, "GET", "/v1/jobs/"+url.PathEscape(job.ID), nil, &job)
	}
	switch {
	case err != nil:
		return err
	case c.Output == "json":
		fmt.Fprintf(k.Stdout, "%s\n", raw)
	default:
		fmt.Fprintf(k.Stdout, "%s %s: %s accepted anew, %s without a payload left\n", job.ID, job.State, grouped(job.Done-job.Skipped), grouped(job.Skipped))
	}
	if job.State != "done" {
		return fmt.Errorf("job %s: %s %s", job.ID, job.State, legible(job.Error))
	}
	return nil
}
