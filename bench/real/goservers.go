package real

import (
	"context"
	"strconv"
	"time"
)

// goServers returns limiters of the Go world; bench/real/servers says what each tells.
func goServers() []Destination {
	ten, second := 10*time.Second, time.Second
	window := Rule{Limit: 100, Per: ten}
	bucket := Rule{Kind: Bucket, Limit: 20, Per: second, Burst: 20}
	const whole = "X-RateLimit-* (seconds until whole), Retry-After"
	return []Destination{
		goServer("throttled", "throttled", whole, Rule{Kind: Bucket, Limit: 20, Per: second, Burst: 11}),
		goServer("throttled-minute", "throttled", whole, Rule{Kind: Bucket, Limit: 300, Per: time.Minute, Burst: 6}),
		goServer("ulule", "ulule", "X-RateLimit-* (epoch)", window),
		goServer("chi-httprate", "chi-httprate", "X-RateLimit-* (epoch), Retry-After of a window", window),
		goServer("tollbooth", "tollbooth", "RateLimit-* (reset always 1), X-Rate-Limit-*", bucket),
		goServer("sethvargo", "sethvargo", "X-RateLimit-Reset and Retry-After as dates", window),
		goServer("fiber-fixed", "fiber-fixed", "X-RateLimit-* (seconds), Retry-After", window),
		goServer("fiber-sliding", "fiber-sliding", "X-RateLimit-* (seconds), Retry-After", Rule{Limit: 100, Per: ten, Step: second}),
		goServer("echo", "echo", "", Rule{Kind: Bucket, Limit: 50, Per: second, Burst: 50}),
		{
			Name:  "chi-throttle",
			Rule:  Rule{Kind: Concurrency, Limit: 8, Took: 50 * time.Millisecond},
			Needs: []Tool{servers},
			start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
				p, err := serve(ctx, at.addr, at.dir, "", t[servers], "-kind", "chi-throttle", "-listen", at.addr,
					"-log", at.log, "-limit", "8", "-delay", "50ms")
				return some(p), err
			},
		},
		goServer("uber", "uber", "", Rule{Kind: Bucket, Limit: 10, Per: second, Burst: 11}),
		goServer("x-time-rate", "x-time-rate", "", bucket),
	}
}

func goServer(name, kind, tells string, rule Rule) Destination {
	return Destination{
		Name:  name,
		Rule:  rule,
		Tells: tells,
		Needs: []Tool{servers},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			p, err := serve(ctx, at.addr, at.dir, "", t[servers], "-kind", kind, "-listen", at.addr, "-log", at.log,
				"-limit", strconv.Itoa(rule.Limit), "-window", rule.Per.String(), "-burst", strconv.Itoa(rule.Burst))
			return some(p), err
		},
	}
}
