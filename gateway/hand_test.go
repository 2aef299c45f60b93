package gateway_test

import (
	"encoding/json"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// shownHost is what these tests look at of a host.
type shownHost struct {
	Host  string
	Lanes []struct {
		Key, Source, Blocked string
		Rate                 *float64
		PauseUntil           *time.Time `json:"pause_until"`
		PauseCause           string     `json:"pause_cause"`
		MaxInFlight          int        `json:"max_in_flight"`
		Waiting              int
		Windows              []struct {
			Limit   int64
			Seconds *float64
			Source  string
			Since   *time.Time
		}
	}
}

// host asks something of a host, and returns it as it is shown.
func (w *world) host(method, path string) shownHost {
	w.t.Helper()
	status, text := w.ask(method, "/v1/hosts/"+path, "", nil)
	var h shownHost
	if err := json.Unmarshal(text, &h); status != fasthttp.StatusOK || err != nil || len(h.Lanes) == 0 {
		w.t.Fatalf("%s %s: %d: %s (%v)", method, path, status, text, err)
	}
	return h
}

// moody is a destination that refuses calls for an hour, or takes them and tells how many more it will.
type moody struct {
	refusing atomic.Bool
	accepted atomic.Int64
}

func (m *moody) handle(ctx *fasthttp.RequestCtx) {
	if m.refusing.Load() {
		ctx.SetStatusCode(fasthttp.StatusTooManyRequests)
		ctx.Response.Header.Set("Retry-After", "3600")
		return
	}
	left := 6000 - m.accepted.Add(1)
	ctx.Response.Header.Set("X-RateLimit-Limit", "6000")
	ctx.Response.Header.Set("X-RateLimit-Remaining", strconv.FormatInt(left, 10))
	ctx.Response.Header.Set("X-RateLimit-Reset", "60")
}

// TestAPausedLaneGoesOnAtOnceAfterResumeAndForgettingClearsItAsWell has a destination ask for an hour's rest and change
// its mind, which only the operator hears of.
func TestAPausedLaneGoesOnAtOnceAfterResumeAndForgettingClearsItAsWell(t *testing.T) {
	for name, hand := range map[string]struct{ method, path string }{
		"resume": {"POST", "/resume"}, "forget": {"DELETE", "/learned"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				const host = "moody.example:80"
				m := &moody{}
				m.refusing.Store(true)
				w.scripted(host, m.handle)
				w.start()
				const n = 20
				w.post("http://moody.example/hook", 1)
				time.Sleep(time.Second)
				ids := w.post("http://moody.example/hook", n)
				time.Sleep(10 * time.Minute)
				m.refusing.Store(false)
				time.Sleep(10 * time.Minute)
				before := w.host("GET", host).Lanes[0]
				if before.PauseUntil == nil || before.PauseCause == "" || before.Blocked != "pause" || m.accepted.Load() > 0 {
					t.Fatalf("%d were accepted, and the lane is shown as %+v; want it paused", m.accepted.Load(), before)
				}
				after := w.host(hand.method, url.PathEscape(host)+hand.path).Lanes[0]
				if after.PauseUntil != nil || after.Blocked == "pause" {
					t.Errorf("the answer shows %+v, want no pause", after)
				}
				time.Sleep(10 * time.Second)
				if got := m.accepted.Load(); got != n {
					t.Errorf("%d of %d were accepted within 10 s", got, n)
				}
				if got := w.show(ids[n-1]).State; got != "delivered" {
					t.Errorf("the last one is shown as %s", got)
				}
				w.shutdown()
				w.start()
				if again := w.host("GET", host).Lanes[0]; again.PauseUntil != nil {
					t.Errorf("after a restart the lane is shown as %+v, want no pause", again)
				}
				w.close()
			})
		})
	}
}

func TestALaneThatForgotBeginsAtItsStartAlsoAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const host = "moody.example:80"
		m := &moody{}
		w.scripted(host, m.handle)
		w.start()
		w.post("http://moody.example/hook", 100)
		time.Sleep(30 * time.Second)
		learned := w.host("GET", host).Lanes[0]
		if len(learned.Windows) != 1 || learned.Windows[0].Limit != 6000 || learned.Windows[0].Since == nil || m.accepted.Load() != 100 {
			t.Fatalf("the lane is shown as %+v, want a window of 6000", learned)
		}
		start := w.conf.Limits.Default.Start.PerSecond()
		forgot := func(when string, h shownHost) {
			t.Helper()
			l := h.Lanes[0]
			if len(l.Windows) != 0 || l.Source != "start" || l.Rate == nil || *l.Rate != start || l.MaxInFlight != w.conf.Limits.Default.Concurrency.Start {
				t.Errorf("%s the lane is shown as %+v, want nothing but its start, %v", when, l, start)
			}
		}
		forgot("in the answer", w.host("DELETE", host+"/learned"))
		w.shutdown()
		w.start()
		forgot("after a restart", w.host("GET", host))
		w.close()
	})
}

func TestAnUnknownHostCannotBeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		for _, hand := range []struct{ method, path string }{{"POST", "/resume"}, {"DELETE", "/learned"}} {
			if status, text := w.ask(hand.method, "/v1/hosts/nobody.example"+hand.path, "", nil); status != fasthttp.StatusNotFound {
				t.Errorf("%s %s: %d: %s", hand.method, hand.path, status, text)
			}
		}
		if _, text := w.ask("GET", "/v1/hosts", "", nil); string(text) != `{"hosts":[],"next":null}` {
			t.Errorf("hosts are shown: %s", text)
		}
		w.close()
	})
}
