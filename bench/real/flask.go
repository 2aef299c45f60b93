package real

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// flasks returns Flask-Limiter with windows that are aligned to the clock, and with one that slides; bench/real/python
// says what it tells.
func flasks() []Destination {
	return []Destination{flask("flask-fixed", "fixed-window"), flask("flask-moving", "moving-window")}
}

func flask(name, strategy string) Destination {
	rule := Rule{Limit: 100, Per: 10 * time.Second}
	return Destination{
		Name:  name,
		Rule:  rule,
		Tells: "X-RateLimit-* (epoch), Retry-After",
		Needs: []Tool{flaskLimiter, python},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			limit := fmt.Sprintf("%d per %d second", rule.Limit, int(rule.Per.Seconds()))
			p, err := serve(ctx, at.addr, at.dir, "", t[python], filepath.Join(t[root], "bench/real/python/server.py"),
				"--listen", at.addr, "--log", at.log, "--limit", limit, "--strategy", strategy)
			return some(p), err
		},
	}
}
