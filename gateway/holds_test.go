package gateway_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatOperatorsHoldIsBounded: names that nothing is known of cannot be held without end.
func TestWhatOperatorsHoldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Holds.Flows, w.conf.Holds.Hosts = 2, 2
		w.start()
		w.call("POST", "/v1/subscriptions", `{"url":"http://a.example/","types":["*"],"policy":"braze","enabled":false}`, 201, nil) // held beside them
		for what, path := range map[string]string{"flows": "/v1/flows/f%d/pause", "hosts": "/v1/hosts/h%d.example/pause"} {
			for i := range 2 {
				w.tell("POST", fmt.Sprintf(path, i), "", 200, nil)
			}
			w.tell("POST", fmt.Sprintf(path, 1), "", 200, nil) // it is held already
			status, text := w.ask("POST", fmt.Sprintf(path, 2), "", nil)
			if status != 409 || !strings.Contains(string(text), "2 "+what+" are held") || !strings.Contains(string(text), "holds."+what) {
				t.Errorf("one more of %s: %d %s", what, status, text)
			}
			if status, _ := w.ask("GET", strings.TrimSuffix(fmt.Sprintf(path, 2), "/pause"), "", nil); status != 404 {
				t.Errorf("what was not held is known: %d", status)
			}
		}
		w.shutdown()
		w.start()
		if status, text := w.ask("POST", "/v1/flows/f2/pause", "", nil); status != 409 {
			t.Errorf("after a restart: %d %s", status, text)
		}
		w.tell("POST", "/v1/flows/f0/resume", "", 200, nil)
		w.tell("POST", "/v1/flows/f2/pause", "", 200, nil)
		w.close()
	})
}

func TestAHoldSaysSinceWhenAlsoOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		type held struct {
			Held  *bool
			Since *time.Time `json:"held_since"`
		}
		paths := []string{"/v1/hosts/a.example:80", "/v1/flows/spring"}
		since := time.Now()
		check := func(when string) {
			t.Helper()
			for _, path := range paths {
				var h held
				w.tell("GET", path, "", 200, &h)
				if h.Since == nil || h.Since.Sub(since) < 0 || h.Since.Sub(since) > time.Second {
					t.Errorf("%s %s is held since %v, want %v", when, path, h.Since, since)
				}
			}
		}
		for _, path := range paths {
			w.tell("POST", path+"/pause", "", 200, nil)
		}
		time.Sleep(time.Hour)
		for _, path := range paths {
			w.tell("POST", path+"/pause", "", 200, nil) // no news
		}
		check("")
		w.shutdown()
		w.start()
		check("after a restart")
		w.post("http://a.example/", 1)
		for _, path := range paths {
			var h held
			w.tell("POST", path+"/resume", "", 200, &h)
			if h.Since != nil {
				t.Errorf("%s, resumed, is held since %v", path, h.Since)
			}
		}
		w.close()
	})
}

func TestHostsAndFlowsAreListedInPagesByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		var hosts, flows []string
		for i := range 7 {
			hosts, flows = append(hosts, fmt.Sprintf("h%d.example", i)), append(flows, fmt.Sprintf("eu f%d", i))
			w.tell("POST", "/v1/hosts/"+hosts[i]+"/pause", "", 200, nil)
			w.tell("POST", fmt.Sprintf("/v1/flows/f%d/pause?tenant=eu", i), "", 200, nil)
		}
		w.tell("POST", "/v1/flows/f0/pause?tenant=us", "", 200, nil)
		listed := func(path string) (all []string, pages int) {
			cursor := ""
			for {
				var page struct {
					Hosts []struct{ Host string }
					Flows []struct{ Tenant, Flow string }
					Next  *string
				}
				w.tell("GET", path+"&cursor="+url.QueryEscape(cursor), "", 200, &page)
				for _, h := range page.Hosts {
					all = append(all, h.Host)
				}
				for _, f := range page.Flows {
					all = append(all, f.Tenant+" "+f.Flow)
				}
				if pages++; page.Next == nil {
					return all, pages
				}
				cursor = *page.Next
			}
		}
		for path, want := range map[string][]string{
			"/v1/hosts?limit=3": hosts, "/v1/flows?limit=3": append(slices.Clone(flows), "us f0"), "/v1/flows?tenant=eu&limit=3": flows,
		} {
			if got, pages := listed(path); !slices.Equal(got, want) || pages != 3 {
				t.Errorf("%s: %v on %d pages, want %v on 3", path, got, pages, want)
			}
		}
		for _, path := range []string{"/v1/hosts?limit=0", "/v1/hosts?cursor=!", "/v1/flows?limit=501", "/v1/flows?cursor=" + "YQ"} {
			if status, text := w.ask("GET", path, "", nil); status != 400 {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
		w.close()
	})
}
