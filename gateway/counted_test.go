package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination/server"
	"github.com/sluice-gateway/sluice/configs"
)

// shownBacklog is what is told of how much waits.
type shownBacklog struct {
	Waiting  int
	More     bool
	DrainsAt *time.Time `json:"drains_at"`
	Flows    []struct {
		Flow    string
		Waiting int
		More    bool
	}
}

func TestWhatWaitsOnDiskIsCountedForWhoAsksAndSaysWhenItIsDrained(t *testing.T) {
	const backlog = 6000
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Limits.Hosts = []configs.Host{{Match: "slow.example", Windows: []configs.Window{{N: 10, Per: time.Second}}}}
		p := w.destination("slow.example:80", server.Config{})
		w.start()
		w.tell("POST", "/v1/hosts/slow.example:80/pause", "", 200, nil)
		for n := range 12 {
			flow := []string{"spring", "receipts"}[n%2]
			one := fmt.Sprintf(`{"url":"http://slow.example/","flow":%q}`, flow)
			w.tell("POST", "/v1/webhooks", `{"webhooks":[`+strings.Repeat(one+",", backlog/12-1)+one+`]}`, 202, nil)
		}
		for _, again := range []bool{false, true} {
			if again {
				w.shutdown()
				w.start()
				time.Sleep(time.Second)
			}
			var host, flow shownBacklog
			w.tell("GET", "/v1/hosts/slow.example:80", "", 200, &host)
			w.tell("GET", "/v1/flows/spring", "", 200, &flow)
			if host.Waiting != backlog || host.More || len(host.Flows) != 2 || host.Flows[0].Waiting != backlog/2 || host.Flows[1].More {
				t.Errorf("of the host is shown %+v", host)
			}
			if flow.Waiting != backlog/2 || flow.More {
				t.Errorf("of the flow is shown %+v", flow)
			}
		}
		w.tell("POST", "/v1/hosts/slow.example:80/resume", "", 200, nil)
		time.Sleep(time.Minute)
		var host shownBacklog
		w.tell("GET", "/v1/hosts/slow.example:80", "", 200, &host)
		left := backlog - p.server.Stats().Accepted
		if off := host.Waiting - left; max(off, -off) > 20 || host.DrainsAt == nil {
			host.DrainsAt = new(time.Time)
			t.Errorf("%d are left; shown is %+v", left, host)
		}
		if in, want := time.Until(*host.DrainsAt), time.Duration(left)*time.Second/10; in < want*9/10 || in > want*11/10 {
			t.Errorf("it is drained in %v, of %d at ten a second", in, left)
		}
		w.close()
	})
}
