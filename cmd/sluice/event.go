package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
)

// eventCmd publishes events and shows where they went.
type eventCmd struct {
	Send eventSendCmd `cmd:"" help:"Publish an event to whoever wants it."`
	Show eventShowCmd `cmd:"" help:"Show an event, and how each of its deliveries stands."`
}

const eventsPath = "/v1/events"

type eventSendCmd struct {
	apiFlags
	Type    string   `arg:"" help:"What happened, as in order.paid."`
	Data    string   `xor:"content" placeholder:"JSON" help:"What there is to say, put into each policy's envelope."`
	Body    string   `xor:"content" type:"existingfile" placeholder:"FILE" help:"A file that is sent byte for byte instead; - is stdin."`
	ID      string   `name:"id" placeholder:"ID" help:"What receivers know a repetition by; one is made otherwise."`
	Tenant  string   `placeholder:"NAME" help:"Whose subscriptions."`
	Product []string `sep:"none" placeholder:"ID" help:"What it is about; again for several."`
	NotLive bool     `help:"It is of a test."`
}

// Run prints how many subscriptions it went to, and its deliveries.
func (c *eventSendCmd) Run(ctx context.Context, k *kong.Context) error {
	m := map[string]any{"type": c.Type}
	for name, value := range map[string]string{"id": c.ID, "tenant": c.Tenant} {
		if value != "" {
			m[name] = value
		}
	}
	if c.Product != nil {
		m["products"] = c.Product
	}
	if c.NotLive {
		m["live"] = false
	}
	switch {
	case c.Body != "":
		content, err := readInput(c.Body)
		if err != nil {
			return fmt.Errorf("--body: %w", err)
		}
		m["body_base64"] = content // JSON carries bytes so
	case c.Data == "":
		m["data"] = nil
	case !json.Valid([]byte(c.Data)):
		return usageError{errors.New(`--data: no JSON: want JSON as in '{"total":120}', or a file with --body`)}
	default:
		m["data"] = json.RawMessage(c.Data)
	}
	var published struct {
		ID         string `json:"id"`
		Matched    int    `json:"matched"`
		Deliveries []struct {
			Subscription string `json:"subscription"`
			Webhook      string `json:"webhook"`
		} `json:"deliveries"`
	}
	return c.run(ctx, k, "POST", eventsPath, m, &published, func(to io.Writer) error {
		fmt.Fprintf(to, "%s: %s\n", legible(published.ID), count(published.Matched, "subscription", "subscriptions"))
		var rows [][]string
		for _, d := range published.Deliveries {
			rows = append(rows, []string{d.Subscription, d.Webhook})
		}
		if rows == nil {
			return nil
		}
		return table(to, []string{"SUBSCRIPTION", "WEBHOOK"}, rows)
	})
}

func readInput(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

type eventShowCmd struct {
	apiFlags
	ID     string `arg:"" help:"The event's id."`
	Tenant string `placeholder:"NAME" help:"Whose it is."`
	Limit  int    `default:"50" help:"At most so many deliveries (${default}), up to 500."`
	Cursor string `help:"Where the page before ended."`
}

// Run prints the event and a line for each of its deliveries.
func (c *eventShowCmd) Run(ctx context.Context, k *kong.Context) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"tenant": c.Tenant, "cursor": c.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var e struct {
		Type       string    `json:"type"`
		CreatedAt  time.Time `json:"created_at"`
		Matched    int       `json:"matched"`
		Missed     []string  `json:"missed"`
		Next       *string   `json:"next"`
		Deliveries []struct {
			Subscription string     `json:"subscription"`
			Webhook      string     `json:"webhook"`
			State        string     `json:"state"`
			Tries        int        `json:"tries"`
			Status       *int       `json:"status"`
			UpdatedAt    *time.Time `json:"updated_at"`
		} `json:"deliveries"`
	}
	return c.run(ctx, k, "GET", eventsPath+"/"+url.PathEscape(c.ID)+"?"+q.Encode(), nil, &e, func(to io.Writer) error {
		fmt.Fprintf(to, "%s of %s: %s, %d missed\n",
			legible(e.Type), e.CreatedAt.Format(time.RFC3339), count(e.Matched, "subscription", "subscriptions"), len(e.Missed))
		var rows [][]string
		for _, d := range e.Deliveries {
			status := ""
			if d.Status != nil {
				status = strconv.Itoa(*d.Status)
			}
			rows = append(rows, []string{d.Subscription, d.Webhook, d.State, strconv.Itoa(d.Tries), status, ago(d.UpdatedAt, time.Now())})
		}
		if e.Next != nil {
			fmt.Fprintf(k.Stderr, "there are more: --cursor %s\n", *e.Next)
		}
		return table(to, []string{"SUBSCRIPTION", "WEBHOOK", "STATE", "TRIES", "STATUS", "CHANGED"}, rows)
	})
}
