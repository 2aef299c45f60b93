package front

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// LogFilter says which webhooks are meant, live and finished: those of which all that is set is true.
type LogFilter struct {
	persist.Filter
	// Sees says what whoever asks may see at all; nil: everything.
	Sees func(tenant, host, flow string) bool `json:"-"`
}

// filterNames are what webhooks are asked for by, in queries and in bodies.
var filterNames = []string{"host", "flow", "type", "state", "status", "subscription", "event", "tenant", "since", "until"}

// states are all that a webhook can be in.
var states = []record.State{
	record.Pending, record.Sending, record.Delivered, record.Failed, record.Expired, record.Cancelled,
}

// readFilter reads what webhooks are asked for by, on behalf of someone who sees only some of them. field says of a name how
// it was given, for problems.
func readFilter(given map[string]string, by *principal, field func(name string) string) (*LogFilter, *problem) {
	f := &LogFilter{Sees: by.sees}
	texts := map[string]*string{"flow": &f.Flow, "type": &f.Type, "subscription": &f.Subscription, "event": &f.Event}
	instants := map[string]*int64{"since": &f.Since, "until": &f.Until}
	for name, value := range given {
		wrong := func(want string) *problem {
			return badRequest(fmt.Sprintf("%s is %.100q", field(name), value), want)
		}
		var ok bool
		switch name {
		case "host":
			if f.Host = strings.ToLower(value); !mayBeHost(value) {
				return nil, wrong("a host as in /v1/hosts, without scheme and path: api.example.com, api.example.com:80")
			}
		case "flow", "type", "subscription", "event":
			*texts[name] = value
		case "tenant":
			if !by.SeesTenant(value) {
				return nil, by.tenantProblem(value)
			}
			f.Tenants = []string{value}
		case "state":
			if f.State = record.State(value); !slices.Contains(states, f.State) {
				return nil, wrong("pending, sending, delivered, failed, expired or cancelled")
			}
		case "status":
			if f.StatusFrom, f.StatusTo, ok = readStatus(value); !ok {
				return nil, wrong("an HTTP status such as 404, or a class such as 4xx")
			}
		case "since", "until":
			if *instants[name], ok = readInstant(value); !ok {
				return nil, wrong("an instant of RFC 3339, as in 2026-01-31T09:30:00Z")
			}
		default:
			return nil, badRequest(fmt.Sprintf("%.100s is nothing that webhooks are asked for by", field(name)), strings.Join(filterNames, ", "))
		}
		if value == "" {
			return nil, wrong("a value, or none of it at all")
		}
	}
	if f.Tenants == nil {
		f.Tenants = by.Tenants()
	}
	if f.Since > 0 && f.Until > 0 && f.Since >= f.Until {
		return nil, badRequest(field("until")+" is not after "+field("since"), "a later instant")
	}
	return f, nil
}

// readStatus reads an HTTP status, or a class of them.
func readStatus(s string) (from, to int, ok bool) {
	if class, is := strings.CutSuffix(strings.ToLower(s), "xx"); is {
		n, err := strconv.Atoi(class)
		return n * 100, n*100 + 99, err == nil && n >= 1 && n <= 5
	}
	n, err := strconv.Atoi(s)
	return n, n, err == nil && n >= 100 && n <= 599
}

// readInstant reads RFC 3339 as Unix ms.
func readInstant(s string) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UnixMilli(), err == nil && t.UnixMilli() > 0
}

// queryOf reads a query's parameters, each of which may be there once.
func queryOf(ctx *fasthttp.RequestCtx) (map[string]string, *problem) {
	given := map[string]string{}
	twice := ""
	for name, value := range ctx.QueryArgs().All() {
		if _, ok := given[string(name)]; ok {
			twice = string(name)
		}
		given[string(name)] = string(value)
	}
	if twice != "" {
		return nil, badRequest(fmt.Sprintf("%.100s is given more than once", twice), "it once")
	}
	return given, nil
}
