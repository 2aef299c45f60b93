package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/limiter"
)

// unread is a field whose name promises something about limits, and of which nothing was understood.
type unread struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

// aboutLimits are the names that a person expects to count.
var aboutLimits = regexp.MustCompile(`(?i)retry-?(after|in)|rate-?limit|throttl|quota|x-rl|limit-(remaining|reset)`)

// hintOf reads a response.
func hintOf(status int, fields [][2][]byte, body []byte, now time.Time, o *limiter.Override) (h limiter.Hint) {
	var r limiter.Reader
	r.Use(o)
	r.Reset(status, now, now)
	for _, f := range fields {
		r.Field(f[0], f[1])
	}
	r.Body(body)
	r.Hint(&h)
	return h
}

// unreadIn returns the fields about limits that say nothing, neither alone nor beside the others.
func unreadIn(h *head, now time.Time, o *limiter.Override) (all []unread) {
	said := hintOf(h.status, h.fields, h.body, now, o)
	for i, f := range h.fields {
		if !aboutLimits.Match(f[0]) {
			continue
		}
		others := append(append([][2][]byte{}, h.fields[:i]...), h.fields[i+1:]...)
		alone := hintOf(h.status, h.fields[i:i+1], nil, now, o)
		if !alone.Empty() || hintOf(h.status, others, h.body, now, o) != said {
			continue
		}
		all = append(all, unread{string(f[0]), string(f[1]), whyUnread(f, h.status, now, o)})
	}
	return all
}

func whyUnread(f [2][]byte, status int, now time.Time, o *limiter.Override) string {
	says := func(status int, o *limiter.Override) bool {
		h := hintOf(status, [][2][]byte{f}, nil, now, o)
		return !h.Empty()
	}
	name := strings.ToLower(string(f[0]))
	switch {
	case len(f[1]) == 0:
		return "it is empty"
	case says(429, o):
		return fmt.Sprintf("a %d asks for nothing by it", status)
	case o != nil && says(429, nil):
		return "left aside by --family, --ignore, or what the configuration or Sluice knows of the host"
	case strings.Contains(name, "retry") && !strings.Contains(name, "ms"):
		return "want seconds, as in 120, or an HTTP date, as in " + now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	case strings.Contains(name, "retry"):
		return "want milliseconds, as in 1500"
	case name == "ratelimit":
		return `want a list of policies, as in "default";r=50;t=30`
	case name == "ratelimit-policy":
		return `want a list of policies, as in "default";q=100;w=60`
	case strings.Contains(name, "reset"):
		return "want seconds, as in 30, an instant in Unix seconds or milliseconds, or a date"
	case strings.HasSuffix(name, "limit"), strings.HasSuffix(name, "remaining"):
		return "want a whole number, as in 100"
	}
	return "no meaning of this name is known"
}
