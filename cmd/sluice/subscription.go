package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// subscriptionCmd looks after the endpoints that are told of events.
type subscriptionCmd struct {
	List         subscriptionListCmd   `cmd:"" help:"List subscriptions."`
	Show         subscriptionShowCmd   `cmd:"" help:"Show one."`
	Create       subscriptionCreateCmd `cmd:"" help:"Have an endpoint told of events; prints the secret, this once."`
	Update       subscriptionUpdateCmd `cmd:"" help:"Change one, enable it or disable it."`
	Delete       subscriptionDeleteCmd `cmd:"" help:"End one; what waits for it is cancelled, or finished."`
	Test         subscriptionTestCmd   `cmd:"" help:"Send it a test event, once, and show what came back."`
	RotateSecret subscriptionRotateCmd `cmd:"" help:"Give it another secret; prints it, this once."`
}

const subscriptionsPath = "/v1/subscriptions"

// subscriptionView is what the API shows of a subscription, as far as text needs it.
type subscriptionView struct {
	ID       string   `json:"id"`
	Tenant   string   `json:"tenant"`
	URL      string   `json:"url"`
	Name     string   `json:"name"`
	Types    []string `json:"types"`
	Products []string `json:"products"`
	Filter   string   `json:"filter"`
	Policy   string   `json:"policy"`
	Enabled  bool     `json:"enabled"`
	Disabled *struct {
		Since   time.Time `json:"since"`
		Reason  string    `json:"reason"`
		By      string    `json:"by"`
		Pending string    `json:"pending"`
	} `json:"disabled"`
	CreatedAt time.Time `json:"created_at"`
	Secret    string    `json:"secret"`
}

// print writes a subscription as lines of a name and a value.
func (s *subscriptionView) print(to io.Writer) error {
	rows := [][]string{
		{"url", s.URL}, {"name", s.Name}, {"tenant", s.Tenant}, {"types", strings.Join(s.Types, ", ")},
		{"products", strings.Join(s.Products, ", ")}, {"filter", s.Filter}, {"policy", s.Policy},
		{"created", s.CreatedAt.Format(time.RFC3339)}, {"state", s.state()},
	}
	if s.Secret != "" {
		rows = append(rows, []string{"secret", s.Secret})
	}
	return table(to, []string{"id", s.ID}, rows)
}

func (s *subscriptionView) state() string {
	if s.Disabled == nil {
		return "enabled"
	}
	return fmt.Sprintf("disabled by its %s since %s: %s; what waits is %s", s.Disabled.By, s.Disabled.Since.Format(time.RFC3339),
		s.Disabled.Reason, s.Disabled.Pending)
}

// one calls a route that answers with a subscription, and prints it.
func (f *apiFlags) one(ctx context.Context, k *kong.Context, method, path string, body any) error {
	var s subscriptionView
	return f.run(ctx, k, method, path, body, &s, s.print)
}

func subscriptionPath(id string, part ...string) string {
	return strings.Join(append([]string{subscriptionsPath, url.PathEscape(id)}, part...), "/")
}

type subscriptionListCmd struct {
	apiFlags
	Tenant  string `placeholder:"NAME" help:"Of this tenant only."`
	URL     string `name:"url" help:"Of this URL only."`
	Enabled *bool  `negatable:"" help:"Those that are enabled, or with --no-enabled those that are not."`
	Limit   int    `default:"50" help:"At most so many (${default}), up to 500."`
	Cursor  string `help:"Where the page before ended."`
}

// Run prints a line for each.
func (c *subscriptionListCmd) Run(ctx context.Context, k *kong.Context) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"tenant": c.Tenant, "url": c.URL, "cursor": c.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.Enabled != nil {
		q.Set("enabled", strconv.FormatBool(*c.Enabled))
	}
	var page struct {
		Subscriptions []subscriptionView `json:"subscriptions"`
		Next          *string            `json:"next"`
	}
	return c.run(ctx, k, "GET", subscriptionsPath+"?"+q.Encode(), nil, &page, func(to io.Writer) error {
		var rows [][]string
		for i := range page.Subscriptions {
			s := &page.Subscriptions[i]
			state := "enabled"
			if s.Disabled != nil {
				state = "disabled: " + s.Disabled.Reason
			}
			rows = append(rows, []string{s.ID, s.Tenant, s.URL, strings.Join(s.Types, ","), s.Policy, state})
		}
		if page.Next != nil {
			fmt.Fprintf(k.Stderr, "there are more: --cursor %s\n", *page.Next)
		}
		return table(to, []string{"ID", "TENANT", "URL", "TYPES", "POLICY", "STATE"}, rows)
	})
}

type subscriptionShowCmd struct {
	apiFlags
	ID string `arg:"" help:"The subscription's id."`
}

// Run prints it.
func (c *subscriptionShowCmd) Run(ctx context.Context, k *kong.Context) error {
	return c.one(ctx, k, "GET", subscriptionPath(c.ID), nil)
}

// subscriptionFields are what may be said of a subscription.
type subscriptionFields struct {
	Name       *string  `placeholder:"TEXT" help:"A name, for people."`
	Type       []string `sep:"none" placeholder:"TYPE" help:"An event type: order.paid, order.* or *; again for several."`
	Product    []string `sep:"none" placeholder:"ID" help:"Events of this product only; again for several."`
	Filter     *string  `placeholder:"EXPR" help:"Events that this is true of, as in 'data.total > 100'."`
	Policy     *string  `placeholder:"NAME" help:"How it is delivered to; see sluice policy list."`
	Header     []string `sep:"none" placeholder:"NAME:VALUE" help:"Sent with each delivery; again for several."`
	SecretFile string   `type:"existingfile" placeholder:"FILE" help:"What deliveries are signed with; one is made otherwise."`
}

// definition makes JSON of what was given.
func (f *subscriptionFields) definition() (map[string]any, error) {
	m := map[string]any{}
	for name, value := range map[string]*string{"name": f.Name, "filter": f.Filter, "policy": f.Policy} {
		if value != nil {
			m[name] = *value
		}
	}
	if f.Type != nil {
		m["types"] = f.Type
	}
	if f.Product != nil {
		m["products"] = f.Product
	}
	var headers [][2]string
	for _, h := range f.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, usageError{fmt.Errorf("--header %q: want NAME:VALUE", h)}
		}
		headers = append(headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	if headers != nil {
		m["headers"] = headers
	}
	if f.SecretFile != "" {
		text, err := os.ReadFile(f.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
		m["secret"] = strings.TrimSpace(string(text))
	}
	return m, nil
}

type subscriptionCreateCmd struct {
	apiFlags
	subscriptionFields
	URL      string `arg:"" name:"url" help:"Where deliveries are posted to."`
	Tenant   string `placeholder:"NAME" help:"Whose it is."`
	Disabled bool   `help:"It begins disabled."`
}

// Run prints what was made.
func (c *subscriptionCreateCmd) Run(ctx context.Context, k *kong.Context) error {
	m, err := c.definition()
	if err != nil {
		return err
	}
	m["url"] = c.URL
	if c.Tenant != "" {
		m["tenant"] = c.Tenant
	}
	if c.Disabled {
		m["enabled"] = false
	}
	return c.one(ctx, k, "POST", subscriptionsPath, m)
}

type subscriptionUpdateCmd struct {
	apiFlags
	subscriptionFields
	ID      string `arg:"" help:"The subscription's id."`
	URL     string `name:"url" placeholder:"URL" help:"Where deliveries are posted to from now on."`
	Enabled *bool  `negatable:"" help:"Enable it: what was held goes out. With --no-enabled, disable it."`
}

// Run prints it as it then is.
func (c *subscriptionUpdateCmd) Run(ctx context.Context, k *kong.Context) error {
	m, err := c.definition()
	if err != nil {
		return err
	}
	if c.URL != "" {
		m["url"] = c.URL
	}
	if c.Enabled != nil {
		m["enabled"] = *c.Enabled
	}
	return c.one(ctx, k, "PATCH", subscriptionPath(c.ID), m)
}

type subscriptionDeleteCmd struct {
	apiFlags
	ID     string `arg:"" help:"The subscription's id."`
	Finish bool   `help:"What waits for it still goes out; it is cancelled otherwise."`
}

// Run says that it is gone.
func (c *subscriptionDeleteCmd) Run(ctx context.Context, k *kong.Context) error {
	path := subscriptionPath(c.ID)
	if c.Finish {
		path += "?pending=finish"
	}
	return c.run(ctx, k, "DELETE", path, nil, nil, func(to io.Writer) error {
		_, err := fmt.Fprintf(to, "%s is deleted\n", c.ID)
		return err
	})
}

type subscriptionTestCmd struct {
	apiFlags
	ID string `arg:"" help:"The subscription's id."`
}

// Run prints what came back; it fails where the test event was not delivered.
func (c *subscriptionTestCmd) Run(ctx context.Context, k *kong.Context) error {
	var tested struct {
		Event   string `json:"event"`
		Attempt struct {
			DurationMs int64             `json:"duration_ms"`
			Status     *int              `json:"status"`
			Outcome    string            `json:"outcome"`
			Error      string            `json:"error"`
			Headers    map[string]string `json:"response_headers"`
			Body       string            `json:"response_body"`
		} `json:"attempt"`
	}
	err := c.run(ctx, k, "POST", subscriptionPath(c.ID, "test"), nil, &tested, func(to io.Writer) error {
		a := &tested.Attempt
		status := a.Error
		if a.Status != nil {
			status = strconv.Itoa(*a.Status)
		}
		rows := [][]string{{"outcome", a.Outcome}, {"status", status}, {"took", fmt.Sprintf("%d ms", a.DurationMs)}}
		for name, value := range a.Headers {
			rows = append(rows, []string{name, value})
		}
		return table(to, []string{"event", tested.Event}, append(rows, []string{"body", a.Body}))
	})
	if err == nil && tested.Attempt.Outcome != "delivered" {
		return errFailed
	}
	return err
}

type subscriptionRotateCmd struct {
	apiFlags
	ID         string        `arg:"" help:"The subscription's id."`
	Overlap    time.Duration `default:"24h" help:"How long the secrets before it go on signing beside it (${default})."`
	SecretFile string        `type:"existingfile" placeholder:"FILE" help:"The new secret; one is made otherwise."`
}

// Run prints the subscription and its new secret.
func (c *subscriptionRotateCmd) Run(ctx context.Context, k *kong.Context) error {
	m := map[string]any{"overlap": c.Overlap.String()}
	if c.SecretFile != "" {
		text, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return fmt.Errorf("--secret-file: %w", err)
		}
		m["secret"] = strings.TrimSpace(string(text))
	}
	return c.one(ctx, k, "POST", subscriptionPath(c.ID, "rotate-secret"), m)
}
