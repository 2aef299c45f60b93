package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// TestAFlowTooManyIsRefusedUntilAnOldOneHasDrained holds a host with as many flows waiting as there may be, over a restart, and
// then lets them go.
func TestAFlowTooManyIsRefusedUntilAnOldOneHasDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Limits.Default.MaxFlows = 20
		w.scripted("cap.example:80", func(*fasthttp.RequestCtx) {})
		w.scripted("other.example:80", func(*fasthttp.RequestCtx) {})
		w.start()
		definition := func(host string, flow int) string {
			return fmt.Sprintf(`{"url":"http://%s/","flow":"f%d"}`, host, flow)
		}
		post := func(definition string, want int) string {
			t.Helper()
			status, text := w.ask("POST", "/v1/webhooks", "application/json", []byte(definition))
			if status != want {
				t.Errorf("%s: %d %s, want %d", definition, status, text, want)
			}
			return string(text)
		}
		post(definition("cap.example", 0), 202)
		time.Sleep(time.Second)
		w.tell("POST", "/v1/hosts/cap.example:80/pause", "", 200, nil)
		var all []string
		for n := range 21 {
			all = append(all, definition("cap.example", n))
		}
		batch := `{"webhooks":[` + strings.Join(all, ",") + `]}`
		if text := post(batch, 207); !strings.Contains(text, `"accepted":20,"rejected":1`) {
			t.Errorf("%s", text)
		}
		refused := post(definition("cap.example", 21), 400)
		for _, part := range []string{
			`/problems/too-many-flows"`, `"pointer":"/flow","value":"f21"`, `20 other flows wait for cap.example:80`, `limits.default.max_flows`,
		} {
			if !strings.Contains(refused, part) {
				t.Errorf("%s lacks %s", refused, part)
			}
		}
		post(definition("cap.example", 7), 202)
		post(definition("other.example", 21), 202)

		w.shutdown()
		w.start()
		time.Sleep(time.Second)
		post(definition("cap.example", 21), 400)
		post(definition("cap.example", 7), 202)
		w.tell("POST", "/v1/hosts/cap.example:80/resume", "", 200, nil)
		time.Sleep(30 * time.Second)
		post(definition("cap.example", 21), 202)
		w.close()
	})
}
