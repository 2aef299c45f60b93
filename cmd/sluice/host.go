package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// hostCmd looks at destinations and steers them, by the API's words for it.
type hostCmd struct {
	List   hostListCmd  `cmd:"" help:"List every destination that something is known of."`
	Show   hostShowCmd  `cmd:"" help:"Show one: its limits, what caps it, its breaker, what waits."`
	Pause  hostActCmd   `cmd:"" help:"Hold all that goes to a host, also what is accepted later."`
	Resume hostActCmd   `cmd:"" help:"End a pause, an operator's or the destination's."`
	Forget hostActCmd   `cmd:"" help:"Forget what was learned of its limits."`
	Open   hostForceCmd `cmd:"" help:"Hold its breaker open until it is released."`
	Close  hostForceCmd `cmd:"" help:"Hold its breaker closed until it is released."`
	Auto   hostForceCmd `cmd:"" help:"Release its breaker: it judges again."`
}

// hostView is what is printed of a host.
type hostView struct {
	Host      string     `json:"host"`
	Held      bool       `json:"held"`
	HeldSince *time.Time `json:"held_since"`
	Allowed   *float64   `json:"allowed_rate"`
	Achieved  float64    `json:"achieved_rate"`
	Cap       capView    `json:"cap"`
	Waiting   int64      `json:"waiting"`
	More      bool       `json:"more"`
	InFlight  int64      `json:"in_flight"`
	OldestAt  *time.Time `json:"oldest_at"`
	DrainsAt  *time.Time `json:"drains_at"`
	Advice    []string   `json:"advice"`
	Flows     []flowView `json:"flows"`
	AllFlows  int        `json:"flow_count"`
	Breaker   struct {
		State       string     `json:"state"`
		Forced      bool       `json:"forced"`
		Until       *time.Time `json:"until"`
		Requests    int64      `json:"requests"`
		Failures    int64      `json:"failures"`
		Share       float64    `json:"share"`
		Transitions []struct {
			At     time.Time `json:"at"`
			To     string    `json:"to"`
			Tenant *string   `json:"tenant"`
			Key    string    `json:"key"`
			Cause  string    `json:"cause"`
		} `json:"transitions"`
		Parts []struct {
			Tenant   string     `json:"tenant"`
			Key      string     `json:"key"`
			State    string     `json:"state"`
			Until    *time.Time `json:"until"`
			Requests int64      `json:"requests"`
			Failures int64      `json:"failures"`
		} `json:"parts"`
	} `json:"breaker"`
	Lanes []struct {
		Key      string   `json:"key"`
		Rate     *float64 `json:"rate"`
		Achieved float64  `json:"achieved_rate"`
		Source   string   `json:"source"`
		Cap      capView  `json:"cap"`
		InFlight int64    `json:"in_flight"`
		Most     int64    `json:"max_in_flight"`
		Waiting  int64    `json:"waiting"`
		More     bool     `json:"more"`
	} `json:"lanes"`
}

type capView struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

type hostListCmd struct{ apiFlags }

// Run prints a table of all hosts.
func (c *hostListCmd) Run(ctx context.Context, k *kong.Context) error {
	var rows [][]string
	now := time.Now()
	return c.list(ctx, k, "/v1/hosts", url.Values{}, "hosts", func(raw json.RawMessage) error {
		var h hostView
		err := json.Unmarshal(raw, &h)
		rows = append(rows, []string{
			h.Host, h.stands(now), rate(h.Allowed), number(h.Achieved), h.Cap.Reason, many(h.Waiting, h.More),
			grouped(h.InFlight), ago(h.OldestAt, now), ago(h.DrainsAt, now),
		})
		return err
	}, func(to io.Writer) error {
		return table(to, []string{"HOST", "BREAKER", "ALLOWED/S", "ACHIEVED/S", "CAP", "WAITING", "IN FLIGHT", "OLDEST", "DRAINED"}, rows)
	})
}

type hostShowCmd struct {
	apiFlags
	Host string `arg:"" help:"The host, with its port unless it is https on 443."`
}

// Run prints what is known of one host.
func (c *hostShowCmd) Run(ctx context.Context, k *kong.Context) error {
	return showHost(ctx, k, &c.apiFlags, http.MethodGet, c.Host, "", nil)
}

type hostActCmd struct {
	apiFlags
	Host string `arg:"" help:"The host, with its port unless it is https on 443."`
}

// Run does what the command's name says and prints the host as it then stands.
func (c *hostActCmd) Run(ctx context.Context, k *kong.Context) error {
	switch verb := k.Selected().Name; verb {
	case "forget":
		return showHost(ctx, k, &c.apiFlags, http.MethodDelete, c.Host, "/learned", nil)
	default:
		return showHost(ctx, k, &c.apiFlags, http.MethodPost, c.Host, "/"+verb, nil)
	}
}

type hostForceCmd struct {
	apiFlags
	Host string `arg:"" help:"The host, with its port unless it is https on 443."`
}

// Run forces the breaker, or releases it, and prints the host as it then stands.
func (c *hostForceCmd) Run(ctx context.Context, k *kong.Context) error {
	state := map[string]string{"open": "open", "close": "closed", "auto": "auto"}[k.Selected().Name]
	return showHost(ctx, k, &c.apiFlags, http.MethodPost, c.Host, "/breaker", map[string]string{"state": state})
}

// showHost asks something of a host, and prints it.
func showHost(ctx context.Context, k *kong.Context, f *apiFlags, method, host, part string, body any) error {
	var h hostView
	return f.run(ctx, k, method, "/v1/hosts/"+url.PathEscape(host)+part, body, &h, func(to io.Writer) error { return h.print(to, time.Now()) })
}

// stands says in a word or two how the host stands: what its breaker says, but for an operator's hold, which goes before that.
func (h *hostView) stands(now time.Time) string {
	if h.Held {
		return "paused" + orNone(", ", ago(h.HeldSince, now))
	}
	return h.breaker()
}

// paused says that an operator holds the host; empty: nobody does.
func (h *hostView) paused(now time.Time) string {
	if !h.Held {
		return ""
	}
	return "by an operator" + orNone(", ", ago(h.HeldSince, now))
}

func (h *hostView) breaker() string {
	switch b := &h.Breaker; {
	case b.Forced:
		return b.State + " (forced)"
	case b.State == "closed" && b.Share > 0 && b.Share < 1:
		return fmt.Sprintf("ramp %.0f %%", 100*b.Share)
	default:
		return b.State
	}
}

func (h *hostView) print(to io.Writer, now time.Time) error {
	lines := [][2]string{
		{"host", h.Host},
		{"paused", h.paused(now)},
		{"breaker", h.breaker() + until(h.Breaker.Until, now)},
		{"rate", number(h.Achieved) + " a second, of " + rate(h.Allowed) + " allowed"},
		{"cap", h.Cap.Reason + ": " + h.Cap.Detail},
		{"failures", fmt.Sprintf("%s of %s calls", grouped(h.Breaker.Failures), grouped(h.Breaker.Requests))},
		{"waiting", many(h.Waiting, h.More) + orNone(", the oldest accepted ", ago(h.OldestAt, now))},
		{"drained", ago(h.DrainsAt, now)},
		{"in flight", grouped(h.InFlight)},
	}
	for _, advice := range h.Advice {
		lines = append(lines, [2]string{"advice", advice})
	}
	for _, l := range lines {
		if l[1] != "" {
			fmt.Fprintf(to, "%-10s %s\n", l[0], legible(l[1]))
		}
	}
	var lanes, parts, changes, flows [][]string
	for i := range h.Lanes {
		l := &h.Lanes[i]
		lanes = append(lanes, []string{
			short(l.Key), rate(l.Rate), number(l.Achieved), l.Source, fmt.Sprintf("%d of %d", l.InFlight, l.Most), many(l.Waiting, l.More), l.Cap.Detail,
		})
	}
	for _, p := range h.Breaker.Parts {
		parts = append(parts, []string{
			p.Tenant, short(p.Key), p.State + until(p.Until, now), fmt.Sprintf("%s of %s", grouped(p.Failures), grouped(p.Requests)),
		})
	}
	for _, c := range h.Breaker.Transitions {
		part := ""
		if c.Tenant != nil {
			part = strings.TrimSpace(*c.Tenant + " " + short(c.Key))
		}
		changes = append(changes, []string{c.At.UTC().Format(time.RFC3339), c.To, part, c.Cause})
	}
	for i := range h.Flows {
		flows = append(flows, h.Flows[i].row(now))
	}
	for _, t := range []struct {
		names []string
		rows  [][]string
	}{
		{[]string{"LANE", "RATE/S", "ACHIEVED/S", "FROM", "IN FLIGHT", "WAITING", "CAP"}, lanes},
		{[]string{"PART", "KEY", "BREAKER", "FAILED"}, parts},
		{[]string{"BREAKER SINCE", "STATE", "PART", "CAUSE"}, changes},
		{flowColumns, flows},
	} {
		if len(t.rows) == 0 {
			continue
		}
		fmt.Fprintln(to)
		if err := table(to, t.names, t.rows); err != nil {
			return err
		}
	}
	if more := h.AllFlows - len(h.Flows); len(h.Flows) > 0 && more > 0 {
		fmt.Fprintf(to, "and %s\n", count(more, "flow more", "flows more"))
	}
	return nil
}

// rate writes calls a second, of which null is no limit.
func rate(perSecond *float64) string {
	if perSecond == nil {
		return "no limit"
	}
	return number(*perSecond)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// many writes how many wait, where memory may hold only some of them.
func many(n int64, more bool) string {
	if more {
		return grouped(n) + "+"
	}
	return grouped(n)
}

func until(t *time.Time, now time.Time) string { return orNone(", tried again ", ago(t, now)) }

func orNone(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// short is the beginning of a lane's key, enough to tell it by.
func short(key string) string { return key[:min(len(key), 8)] }
