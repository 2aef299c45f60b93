package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/limiter"
)

// headersCmd shows what Sluice understands of a response: as in `curl -si https://api.example.com/ | sluice headers`.
type headersCmd struct {
	Status int       `placeholder:"CODE" help:"Status of the response; without it that of the status line, else 200."`
	Now    time.Time `placeholder:"RFC3339" help:"When the response was received, as in 2026-03-01T12:00:00Z; without it now."`
	Host   string    `placeholder:"HOST" help:"The destination, as in api.example.com: what is known of it is heeded."`
	Config string    `short:"c" type:"existingfile" env:"SLUICE_CONFIG" placeholder:"FILE" help:"YAML file whose limits.hosts say how to read the headers of --host."`
	Family string    `placeholder:"PREFIX" help:"Believe only fields of this family, as in x-rate-limit."`
	Reset  string    `placeholder:"FORM" help:"Read resets as delta-seconds, delta-milliseconds, epoch-seconds, …"`
	Ignore []string  `placeholder:"NAME" help:"Fields not to look at; a star at the end is for all that begin so."`
	Output string    `short:"o" enum:"text,json" default:"text" help:"How it is printed: ${enum}."`

	stdin    io.Reader // nil: os.Stdin
	override *limiter.Override
}

// maxResponse bounds what is read from stdin.
const maxResponse = 1 << 20

// Validate names every faulty flag. kong calls it when the flags are read.
func (c *headersCmd) Validate() error {
	var errs []error
	if c.Status != 0 && (c.Status < 100 || c.Status > 999) {
		errs = append(errs, fmt.Errorf("--status %d: must be 100 to 999", c.Status))
	}
	conf := configs.Default()
	if c.Config != "" {
		loaded, err := configs.Load(c.Config)
		if err != nil {
			return err
		}
		conf = *loaded
	}
	host := conf.Limits.Match(strings.ToLower(c.Host))
	c.override, _ = host.Override() // the configuration is valid
	if c.Family != "" || c.Reset != "" || len(c.Ignore) > 0 {
		var err error
		if c.override, err = limiter.NewOverride(c.Family, c.Reset, c.Ignore); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Run reads a response's head from stdin, and its body if there is one, and prints what it says.
func (c *headersCmd) Run(k *kong.Context) error {
	in := c.stdin
	if in == nil {
		in = os.Stdin
	}
	text, err := io.ReadAll(io.LimitReader(in, maxResponse))
	if err != nil {
		return fmt.Errorf("reading the response from stdin: %w", err)
	}
	head, err := parseHead(text)
	if err != nil {
		return usageError{err}
	}
	switch {
	case c.Status != 0:
		head.status = c.Status
	case head.status == 0:
		head.status = 200
		fmt.Fprintln(k.Stderr, "no status line: read as a 200, in which Retry-After asks for nothing; --status says otherwise")
	}
	now := c.Now
	if now.IsZero() {
		now = time.Now()
	}
	h := hintOf(head.status, head.fields, head.body, now, c.override)
	rest := unreadIn(&head, now, c.override)
	if c.Output == "json" {
		out := json.NewEncoder(k.Stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		answer := shown(&h, now)
		answer.NotRead = rest
		return out.Encode(answer)
	}
	_, err = io.WriteString(k.Stdout, explain(&h, rest, head.status, now, c.override))
	return err
}

// head is a response as it stood on stdin.
type head struct {
	status int // 0: there was no status line
	fields [][2][]byte
	body   []byte
}

// parseHead reads an optional status line, fields, and behind a blank line the body. Interim responses (100, 103) before
// the real one are passed over, and the "< " of curl -v is cut off.
func parseHead(text []byte) (head, error) {
	var h head
	for n := 1; len(text) > 0; n++ {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimSuffix(bytes.TrimPrefix(line, []byte("< ")), []byte("\r"))
		name, value, isField := bytes.Cut(line, []byte(":"))
		switch {
		case len(line) == 0 && h.status/100 == 1:
			h = head{}
		case len(line) == 0:
			h.body = text
			return h, nil
		case len(h.fields) == 0 && h.status == 0 && bytes.HasPrefix(line, []byte("HTTP/")):
			words := strings.Fields(string(line))
			if len(words) > 1 {
				h.status, _ = strconv.Atoi(words[1])
			}
			if h.status < 100 || h.status > 999 {
				return h, fmt.Errorf("line %d: %q: want a status line such as HTTP/1.1 429 Too Many Requests", n, line)
			}
		case line[0] == ' ' || line[0] == '\t': // a folded field, RFC 9112 section 5.2
			if len(h.fields) == 0 {
				return h, fmt.Errorf("line %d: %q: begins with a blank, but continues no field", n, line)
			}
			last := &h.fields[len(h.fields)-1]
			last[1] = bytes.Join([][]byte{last[1], bytes.TrimSpace(line)}, []byte(" "))
		case !isField || len(name) == 0:
			return h, fmt.Errorf("line %d: %q: want a field such as Retry-After: 30", n, line)
		default:
			h.fields = append(h.fields, [2][]byte{bytes.TrimSpace(name), bytes.TrimSpace(value)})
		}
	}
	return h, nil
}

// response is a hint as JSON: of the window that binds first, then of all. null: not told.
type response struct {
	RetryAfterMs *int64 `json:"retry_after_ms"`
	counts
	Windows []windowShown `json:"windows"`
	NotRead []unread      `json:"not_read,omitempty"`
}

type counts struct {
	Limit     *int64 `json:"limit"`
	Remaining *int64 `json:"remaining"`
	ResetMs   *int64 `json:"reset_at_ms_from_now"`
	WindowMs  *int64 `json:"window_ms"`
}

type windowShown struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	counts
	Source string `json:"source"`
}

func shown(h *limiter.Hint, now time.Time) response {
	out := response{RetryAfterMs: told(h.HasRetryAfter, millis(h.RetryAfter)), Windows: []windowShown{}}
	if w := h.Binding(); w != nil {
		out.counts = countsOf(w, now)
	}
	for i := range h.N {
		w := &h.Windows[i]
		out.Windows = append(out.Windows, windowShown{Name: w.Name, Unit: w.Unit, counts: countsOf(w, now), Source: w.Source})
	}
	return out
}

func countsOf(w *limiter.Window, now time.Time) counts {
	return counts{
		Limit:     told(w.Limit != limiter.Unknown, w.Limit),
		Remaining: told(w.Remaining != limiter.Unknown, w.Remaining),
		ResetMs:   told(w.HasReset, millis(w.ResetAt.Sub(now))),
		WindowMs:  told(w.Length > 0, millis(w.Length)),
	}
}

func told(is bool, v int64) *int64 {
	if !is {
		return nil
	}
	return &v
}

func millis(d time.Duration) int64 { return int64(math.Round(float64(d) / float64(time.Millisecond))) }
