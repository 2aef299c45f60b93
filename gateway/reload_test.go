package gateway_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/bench/destination/server"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

var update = flag.Bool("update", false, "write the golden files anew")

// file has the gateway read its configuration from a text, which may change.
func (w *world) file(text *string) {
	w.t.Helper()
	w.reload = func() (configs.Config, error) {
		conf, err := configs.Parse("sluice.yaml", []byte(*text))
		if err != nil {
			return configs.Config{}, err
		}
		conf.Data = w.conf.Data
		return *conf, nil
	}
	conf, err := w.reload()
	if err != nil {
		w.t.Fatal(err)
	}
	w.conf = conf
}

// reloading asks the admin side for a reload.
func (w *world) reloading() (status int, answer []byte) {
	w.t.Helper()
	admin := w.admin
	client := &fasthttp.HostClient{Addr: "127.0.0.1", Dial: func(string) (net.Conn, error) { return admin.Dial() }}
	defer client.CloseIdleConnections()
	return w.exchange(client, "POST", "/reload", "", nil)
}

// reloads asks for a reload and returns what was applied and what was not.
func (w *world) reloads() (r gateway.Reloaded) {
	w.t.Helper()
	status, text := w.reloading()
	if err := json.Unmarshal(text, &r); status != fasthttp.StatusOK || err != nil {
		w.t.Fatalf("%d: %s (%v)", status, text, err)
	}
	return r
}

// pace is how many a second a destination accepts over ten seconds.
func (w *world) pace(p *place) float64 {
	before := p.server.Stats().Accepted
	time.Sleep(10 * time.Second)
	return float64(p.server.Stats().Accepted-before) / 10
}

func between(t *testing.T, when string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %.4g a second, want %.4g to %.4g", when, got, low, high)
	}
}

func TestReloadedLimitsHoldAtOnceAndWhatWasLearnedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := "limits: {default: {start: 20/s}}\n"
		w.file(&text)
		p := w.destination("limited.example:80", server.Config{
			Limiter: destination.Spec{Algorithm: destination.Fixed, Limit: 1200, Per: time.Minute},
			Headers: destination.XRateLimitDelta,
		})
		w.start()
		w.post("http://limited.example/hook", 3000)
		time.Sleep(time.Minute)
		between(t, "before", w.pace(p), 15, 25)
		learned := w.host("GET", "limited.example:80").Lanes[0].Windows

		text = "limits: {default: {start: 20/s}, hosts: [{match: limited.example, start: 1/s, ceiling: 2/s}]}\n" +
			"listen: 127.0.0.1:18480\nretention: {metadata: 1h}\n"
		want := gateway.Reloaded{
			Applied:      []string{"limits.hosts[limited.example]"},
			NeedsRestart: []string{"listen", "retention.metadata", "retention.body"},
		}
		if r := w.reloads(); !slices.Equal(r.Applied, want.Applied) || !slices.Equal(r.NeedsRestart, want.NeedsRestart) {
			t.Errorf("reloaded %+v, want %+v", r, want)
		}
		between(t, "under a ceiling of 2/s", w.pace(p), 1.5, 2.5)
		held := w.host("GET", "limited.example:80").Lanes[0]
		if held.Source != "ceiling" || len(held.Windows) != 1 || held.Windows[0].Limit != learned[0].Limit || !held.Windows[0].Since.Equal(*learned[0].Since) {
			t.Errorf("the lane is shown as %+v, want its ceiling, and the window it learned: %+v", held, learned)
		}

		text = "limits: {default: {start: 20/s}}\nlisten: 127.0.0.1:18480\n"
		want = gateway.Reloaded{Applied: []string{"limits.hosts[limited.example]"}, NeedsRestart: []string{"listen"}}
		if r := w.reloads(); !slices.Equal(r.Applied, want.Applied) || !slices.Equal(r.NeedsRestart, want.NeedsRestart) {
			t.Errorf("reloaded %+v, want %+v", r, want)
		}
		time.Sleep(10 * time.Second)
		between(t, "without it", w.pace(p), 15, 60)
		if s := p.server.Stats(); s.Refused > 0 {
			t.Errorf("%d were refused, though what remains was known all the while", s.Refused)
		}
		w.close()
	})
}

func TestAFaultyFileIsRefusedWholeItsFaultsNamedAndTheOldOneStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := "limits: {default: {start: 2/s, ceiling: 2/s}}\n"
		w.file(&text)
		p := w.destination("a.example:80", server.Config{})
		w.start()
		w.post("http://a.example/hook", 200)
		text = "limits:\n  default: {start: 100/s, ceiling: 100/s}\n  hosts:\n  - {match: a.example, share: 2}\nbreaker: {probs: 3}\nlog: {level: loud}\n"
		status, answer := w.reloading()
		const golden = "testdata/reload_faults.golden"
		if *update {
			if err := os.WriteFile(golden, answer, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if status != fasthttp.StatusBadRequest || err != nil || string(answer) != string(want) {
			t.Errorf("%d:\n%s\nwant 400:\n%s (%v)", status, answer, want, err)
		}
		between(t, "after it", w.pace(p), 1.5, 2.5)
		w.close()
		for _, fault := range []string{"sluice.yaml:4: limits.hosts[0].share: 2: ", "sluice.yaml:5: breaker.probs: ", "sluice.yaml:6: log.level: loud: "} {
			if !strings.Contains(w.log.String(), fault) {
				t.Errorf("the log does not name %s:\n%s", fault, w.log.String())
			}
		}
	})
}

// A door that asked who calls asks on: the only token may be revoked by mistake, or be in the end that a file lost.
func TestAReloadDoesNotTakeTheLastToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := fmt.Sprintf("tokens: [{name: ops, sha256: %064x, scopes: [admin]}]\n", 1)
		w.file(&text)
		w.start()
		text = "{}\n"
		if status, answer := w.reloading(); status != fasthttp.StatusBadRequest || !strings.Contains(string(answer), "tokens: are all gone") {
			t.Errorf("%d: %s", status, answer)
		}
		if status, _ := w.ask("GET", "/v1/hosts", "", nil); status != fasthttp.StatusUnauthorized {
			t.Errorf("whoever has no token gets %d", status)
		}
		text = fmt.Sprintf("tokens: [{name: other, sha256: %064x, scopes: [admin]}]\n", 2)
		w.reloads()
		w.close()
	})
}

func TestReloadedPoliciesLanesAndLogLevelAreForWhatComesThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		level := "info"
		w.logLevel = func(word string) { level = word }
		text := ""
		w.file(&text)
		w.destination("a.example:80", server.Config{})
		w.start()
		post := func(policy string) (status int) {
			status, _ = w.ask("POST", "/v1/webhooks", "application/json", fmt.Appendf(nil,
				`{"url":"http://a.example/","headers":{"Authorization":"Bearer 1"},"policy":%q}`, policy))
			time.Sleep(time.Second)
			return status
		}
		if status := post("default"); status != fasthttp.StatusAccepted {
			t.Fatal(status)
		}
		if status := post("quick"); status != fasthttp.StatusBadRequest {
			t.Errorf("a policy that is not configured: %d", status)
		}
		text = "limits: {hosts: [{match: a.example, by: authorization}]}\npolicies: {quick: {timeout: 1s}}\nlog: {level: debug}\n"
		if r := w.reloads(); len(r.Applied) != 3 || len(r.NeedsRestart) != 0 {
			t.Errorf("reloaded %+v, want three changes applied", r)
		}
		if level != "debug" {
			t.Errorf("the log's level is %s", level)
		}
		if status := post("quick"); status != fasthttp.StatusAccepted {
			t.Errorf("a policy that is configured by now: %d", status)
		}
		if lanes := w.host("GET", "a.example:80").Lanes; len(lanes) != 2 || lanes[0].Key != "" || lanes[1].Key == "" {
			t.Errorf("lanes are shown as %+v, want that of the host and that of the credential", lanes)
		}
		w.close()
	})
}

func TestWithoutAFileThereIsNothingToReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		status, answer := w.reloading()
		want := `{"type":"https://sluice-gateway.github.io/problems/no-configuration-file","title":"There is nothing to reload","status":409,` +
			`"detail":"there is no configuration file to reload: want a gateway started with --config FILE"}` + "\n"
		if status != fasthttp.StatusConflict || string(answer) != want {
			t.Errorf("%d: %s\nwant 409: %s", status, answer, want)
		}
		w.close()
	})
}

// TestALogLevelThatCannotBeChangedIsSaidToNeedARestart has a log of someone else's.
func TestALogLevelThatCannotBeChangedIsSaidToNeedARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := ""
		w.file(&text)
		w.start()
		text = "log: {level: debug}\n"
		if r := w.reloads(); len(r.Applied) != 0 || !slices.Equal(r.NeedsRestart, []string{"log.level"}) {
			t.Errorf("reloaded %+v, want log.level to need a restart", r)
		}
		w.close()
	})
}

// A file system that does not answer holds no reload for ever, and what it held up is not put in force behind anybody's back.
func TestAReloadThatCannotReadItsFilesInTimeSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := "limits: {default: {ceiling: 20/s}}\n"
		w.file(&text)
		answers := make(chan struct{})
		close(answers)
		read := w.reload
		w.reload = func() (configs.Config, error) {
			<-answers
			return read()
		}
		w.start()
		answers, text = make(chan struct{}), "limits: {default: {ceiling: 30/s}}\n"
		began := time.Now()
		status, answer := w.reloading()
		if took := time.Since(began); status != fasthttp.StatusInternalServerError || !strings.Contains(string(answer), "was not read within 10s") || took != 10*time.Second {
			t.Errorf("after %s: %d %s", took, status, answer)
		}
		close(answers)
		time.Sleep(time.Second)
		if r := w.reloads(); !slices.Equal(r.Applied, []string{"limits.default.ceiling"}) {
			t.Errorf("the next one applied %v: want what the one before it did not", r.Applied)
		}
		w.close()
	})
}

func TestAFileThatCannotBeReadChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.reload = func() (configs.Config, error) { return configs.Config{}, errors.New("the disk is on fire") }
		w.start()
		if status, answer := w.reloading(); status != fasthttp.StatusInternalServerError || !strings.Contains(string(answer), "the disk is on fire") {
			t.Errorf("%d: %s", status, answer)
		}
		w.close()
	})
}

func TestAnotherSitesPageCannotReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		reloads := 0
		w.reload = func() (configs.Config, error) {
			reloads++
			return w.conf, nil
		}
		w.start()
		admin := w.admin
		client := &fasthttp.HostClient{Addr: "127.0.0.1", Dial: func(string) (net.Conn, error) { return admin.Dial() }}
		for _, tt := range []struct {
			host, name, value string
			status            int
		}{
			{"127.0.0.1:8481", "Sec-Fetch-Site", "cross-site", fasthttp.StatusForbidden},
			{"127.0.0.1:8481", "Origin", "https://evil.example", fasthttp.StatusForbidden},
			{"rebound.example:8481", "Accept", "*/*", fasthttp.StatusMisdirectedRequest},
			{"localhost:8481", "Accept", "*/*", fasthttp.StatusOK},
		} {
			var req fasthttp.Request
			var resp fasthttp.Response
			req.Header.SetMethod("POST")
			req.SetRequestURI("http://" + tt.host + "/reload")
			req.Header.Set(tt.name, tt.value)
			if err := client.Do(&req, &resp); err != nil || resp.StatusCode() != tt.status {
				t.Errorf("%+v: %d (%v) %s", tt, resp.StatusCode(), err, resp.Body())
			}
		}
		client.CloseIdleConnections()
		if reloads != 1 {
			t.Errorf("%d reloads, want the one that may", reloads)
		}
		w.close()
	})
}

func TestAReloadThatChangesNoWayOutKeepsItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := "{}"
		w.file(&text)
		var connections sync.Map
		w.scripted("a.example:80", func(ctx *fasthttp.RequestCtx) { connections.Store(ctx.ConnID(), true) })
		w.start()
		for _, c := range []struct {
			text string
			want int
		}{
			{"{}", 1},
			{"flows: [{match: news, weight: 3}]", 1},
			{"limits: {default: {ceiling: 500/s}}", 1},
			{"egress: {deny_hosts: [b.example]}", 2}, // which what is kept may not be allowed by
		} {
			text = c.text
			w.reloads()
			w.postOne(`{"url":"http://a.example/"}`)
			time.Sleep(time.Second)
			n := 0
			connections.Range(func(_, _ any) bool { n++; return true })
			if n != c.want {
				t.Errorf("%s: %d connections until now, want %d", c.text, n, c.want)
			}
		}
		w.close()
	})
}
