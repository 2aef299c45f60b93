package real

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// racks returns rack-attack, whose windows are aligned to the clock, on Puma: as it is by default, and with the responder of
// its README; bench/real/ruby says what that tells.
//
// https://github.com/rack/rack-attack#throttling
func racks() []Destination {
	return []Destination{
		rack("rack-attack", "", "nothing"),
		rack("rack-attack-readme", "RateLimit-* (epoch) on refusals alone", "limit"),
	}
}

func rack(name, tells, how string) Destination {
	rule := Rule{Limit: 100, Per: 10 * time.Second, ByClock: true}
	return Destination{
		Name:  name,
		Rule:  rule,
		Tells: tells,
		Needs: []Tool{puma, rackAttack},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			p, err := serve(ctx, at.addr, at.dir, filepath.Join(at.dir, "puma.out"), "env", "LOG="+at.log,
				fmt.Sprintf("LIMIT=%d", rule.Limit), fmt.Sprintf("PERIOD=%d", int(rule.Per.Seconds())), "TELLS="+how,
				t[puma], "--quiet", "--bind", "tcp://"+at.addr, filepath.Join(t[root], "bench/real/ruby/config.ru"))
			return some(p), err
		},
	}
}
