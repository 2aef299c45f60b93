package real

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// symfonies returns Symfony's RateLimiter with each of its policies, on PHP's own server; bench/real/php says what it tells.
//
// https://symfony.com/doc/5.4/rate_limiter.html
func symfonies() []Destination {
	window := Rule{Limit: 100, Per: 10 * time.Second}
	return []Destination{
		symfony("symfony-fixed", "fixed_window", window),
		symfony("symfony-sliding", "sliding_window", window),
		symfony("symfony-bucket", "token_bucket", Rule{Kind: Bucket, Limit: 100, Per: 10 * time.Second, Burst: 100}),
	}
}

func symfony(name, policy string, rule Rule) Destination {
	return Destination{
		Name:  name,
		Rule:  rule,
		Tells: "X-RateLimit-Limit and -Remaining, X-RateLimit-Retry-After",
		Needs: []Tool{php, symfonyLimiter},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			p, err := serve(ctx, at.addr, at.dir, filepath.Join(at.dir, "php.out"), "env", "PHP_CLI_SERVER_WORKERS=4",
				"LOG="+at.log, "DIR="+at.dir, "POLICY="+policy, fmt.Sprintf("LIMIT=%d", rule.Limit),
				fmt.Sprintf("INTERVAL=%d seconds", int(rule.Per.Seconds())),
				t[php], "-S", at.addr, filepath.Join(t[root], "bench/real/php/index.php"))
			return some(p), err
		},
	}
}
