package configs

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Rate is how often something may happen, in YAML n per time: `10/s`, `190/10s`, `600/min`, `5000/h`, `unlimited`.
// The zero value is "not given".
type Rate struct {
	N   int64         // above 0; Unlimited has 0 here
	Per time.Duration // above 0; negative: Unlimited
}

// Unlimited is the rate that holds nothing back.
var Unlimited = Rate{Per: -1}

const (
	unlimitedWord = "unlimited"
	wantRate      = "n/time such as 10/s, 190/10s, 600/min or 5000/h"
	wantWindow    = "n/time such as 100/10s or 250000/24h"
)

// rateUnits are the words after the slash that stand for one unit of time. They come before durations, so `m` may
// only mean minutes, as it does there.
var rateUnits = []struct {
	word string
	per  time.Duration
}{
	{"s", time.Second}, {"min", time.Minute}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour},
}

// IsZero reports whether the rate was not given.
func (r Rate) IsZero() bool { return r == Rate{} }

// IsUnlimited reports whether the rate is Unlimited.
func (r Rate) IsUnlimited() bool { return r.Per < 0 }

// PerSecond returns events per second: 0 when the rate was not given, +Inf when it is unlimited.
func (r Rate) PerSecond() float64 {
	switch {
	case r.IsUnlimited():
		return math.Inf(1)
	case r.Per == 0:
		return 0
	}
	return float64(r.N) / r.Per.Seconds()
}

// String returns the form that Rate reads back to the same value; "" when it was not given.
func (r Rate) String() string {
	switch {
	case r.IsUnlimited():
		return unlimitedWord
	case r.Per == 0:
		return ""
	}
	return formatPer(r.N, r.Per)
}

// MarshalText returns String's form; YAML and JSON write rates by it.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a rate; YAML, JSON and command-line flags read by it.
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == unlimitedWord {
		*r = Unlimited
		return nil
	}
	n, per, problem := parsePer(string(text))
	if problem != "" {
		return &valueError{problem, wantRate}
	}
	*r = Rate{N: n, Per: per}
	return nil
}

// Window is a limit as destinations state them: at most N calls within any Per. In YAML n per time, `100/10s`,
// `250000/24h`. The zero value is "not given".
type Window struct {
	N   int64         // calls; above 0
	Per time.Duration // above 0
}

// IsZero reports whether the window was not given.
func (w Window) IsZero() bool { return w == Window{} }

// String returns the form that Window reads back to the same value; "" when it was not given.
func (w Window) String() string {
	if w.Per == 0 {
		return ""
	}
	return formatPer(w.N, w.Per)
}

// MarshalText returns String's form; YAML and JSON write windows by it.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads a window; YAML, JSON and command-line flags read by it.
func (w *Window) UnmarshalText(text []byte) error {
	n, per, problem := parsePer(string(text))
	if problem != "" {
		return &valueError{problem, wantWindow}
	}
	*w = Window{N: n, Per: per}
	return nil
}

func formatPer(n int64, per time.Duration) string {
	form := Duration(per).String()
	switch per {
	case time.Second:
		form = "s"
	case time.Minute:
		form = "min"
	case time.Hour:
		form = "h"
	}
	return strconv.FormatInt(n, 10) + "/" + form
}

// parsePer reads `n/time`; problem says in words what is wrong with it.
func parsePer(s string) (n int64, per time.Duration, problem string) {
	count, unit, ok := strings.Cut(s, "/")
	if !ok {
		return 0, 0, "has no time to count over"
	}
	if n, problem = parseCount(count); problem != "" {
		return 0, 0, problem + " before the slash"
	}
	if n == 0 {
		return 0, 0, "lets nothing through"
	}
	for _, u := range rateUnits {
		if unit == u.word {
			return n, u.per, ""
		}
	}
	var d Duration
	if err := d.UnmarshalText([]byte(unit)); err != nil {
		return 0, 0, "has no time after the slash"
	}
	if d == 0 {
		return 0, 0, "counts over no time"
	}
	return n, time.Duration(d), ""
}
