package real

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// djangos returns Django REST framework's throttling, which counts the calls of the time before each exactly;
// bench/real/python says what it tells.
//
// https://www.django-rest-framework.org/api-guide/throttling/
func djangos() []Destination {
	return []Destination{
		django("django-rest-minute", Rule{Limit: 300, Per: time.Minute}, "min"),
		django("django-rest-second", Rule{Limit: 20, Per: time.Second}, "sec"),
	}
}

// django names periods as its rates do.
func django(name string, rule Rule, period string) Destination {
	return Destination{
		Name:  name,
		Rule:  rule,
		Tells: "Retry-After",
		Needs: []Tool{python, djangoREST},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			p, err := serve(ctx, at.addr, at.dir, "", t[python], filepath.Join(t[root], "bench/real/python/drf.py"),
				"--listen", at.addr, "--log", at.log, "--rate", fmt.Sprintf("%d/%s", rule.Limit, period))
			return some(p), err
		},
	}
}
