package gateway_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestALearnedHostLeavesMemoryAndIsKnownWhenSomebodyAsks lets a destination tell its limit, leaves it alone, and asks for it: by a
// question, by a webhook, over a restart.
func TestALearnedHostLeavesMemoryAndIsKnownWhenSomebodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const host = "moody.example:80"
		m := &moody{}
		w.scripted(host, m.handle)
		w.start()
		w.post("http://moody.example/hook", 10)
		time.Sleep(10 * time.Second)
		leave := func() {
			t.Helper()
			for range 40 {
				time.Sleep(time.Minute)
				w.ask("GET", "/v1/hosts", "", nil) // an idle gateway has no reason to look round
			}
			if _, text := w.ask("GET", "/v1/hosts", "", nil); strings.Contains(string(text), host) {
				t.Fatalf("it is in memory after 40 idle minutes: %s", text)
			}
		}
		limit := func(when string) {
			t.Helper()
			if l := w.host("GET", host).Lanes[0]; len(l.Windows) != 1 || l.Windows[0].Limit != 6000 {
				t.Errorf("%s the lane is shown as %+v, want its window of 6000", when, l)
			}
		}
		leave()
		limit("when it is asked for")
		leave()
		id := w.post("http://moody.example/hook", 1)[0]
		time.Sleep(time.Second)
		if got := w.show(id).State; got != "delivered" {
			t.Errorf("a webhook to a host that was away is %s after a second", got)
		}
		limit("when a webhook went there")
		leave()
		w.shutdown()
		w.start()
		if _, text := w.ask("GET", "/v1/hosts", "", nil); strings.Contains(string(text), host) {
			t.Errorf("after a restart hosts at rest are in memory: %s", text)
		}
		limit("after a restart")
		w.close()
	})
}
