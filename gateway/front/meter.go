package front

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// meter holds a token to its rate: the generic cell rate algorithm, whose burst is the whole quota. A request is admitted
// while anything is left, and what it turns out to hold is charged then, into debt if need be: a batch larger than what
// is left is taken whole, and those behind it wait for it.
type meter struct {
	quota int64
	per   time.Duration
	cost  int64 // nanoseconds of one
	// full is when the whole quota is there again, in nanoseconds since began; past: it is. That is of the process's own clock, and
	// not of the wall's: who sets that back must not stop everybody for as long.
	full  atomic.Int64
	began time.Time
}

func newMeter(quota int64, per time.Duration) *meter {
	return &meter{quota: quota, per: per, cost: max(1, int64(per)/quota), began: time.Now()}
}

// since is an instant as full has it.
func (m *meter) since(at time.Time) int64 { return int64(at.Sub(m.began)) }

// charge takes n of the quota, however much is left.
func (m *meter) charge(at time.Time, n int) {
	for now := m.since(at); ; {
		had := m.full.Load()
		if m.full.CompareAndSwap(had, max(had, now)+int64(n)*m.cost) {
			return
		}
	}
}

// take takes one if one is left; wait is how long until one is, when not.
func (m *meter) take(at time.Time) (wait time.Duration, ok bool) {
	for now := m.since(at); ; {
		had := m.full.Load()
		next := max(had, now) + m.cost
		if over := next - now - int64(m.per); over > 0 {
			return time.Duration(over), false
		}
		if m.full.CompareAndSwap(had, next) {
			return 0, true
		}
	}
}

// admit takes one for a request, and tells how the quota stands; false: nothing is left, and that is answered.
func (m *meter) admit(ctx *fasthttp.RequestCtx) bool {
	now := time.Now()
	wait, ok := m.take(now)
	m.tell(&ctx.Response.Header, now)
	if !ok {
		p := newProblem(429, "rate-limited", "The token's rate is spent",
			fmt.Sprintf("Its rate is %d per %s: want the same again in %s", m.quota, m.per, wait.Round(time.Millisecond)))
		p.retryAfter = int(ceilSeconds(wait))
		answer(ctx, p)
	}
	return ok
}

// tell writes RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10): how much is left of the quota,
// and in how many seconds all of it is there again.
func (m *meter) tell(h *fasthttp.ResponseHeader, now time.Time) {
	short := max(0, m.full.Load()-m.since(now)) // of the whole quota
	left := max(0, (int64(m.per)-short)/m.cost)
	h.Set("RateLimit-Policy", `"token";q=`+strconv.FormatInt(m.quota, 10)+";w="+strconv.FormatInt(ceilSeconds(m.per), 10))
	h.Set("RateLimit", `"token";r=`+strconv.FormatInt(left, 10)+";t="+strconv.FormatInt(ceilSeconds(time.Duration(short)), 10))
}

// ceilSeconds is a duration in whole seconds, rounded up: whoever waits so long has waited long enough.
func ceilSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
