package gateway

import (
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// What follows puts the dispatcher's answers to proxied requests into the front door's words.

// forward is front.Forward.
func (g *Gateway) forward(
	w *record.Webhook, u *front.Upload, trailers bool, hold time.Duration,
) (front.Reply, *front.Hold, error) {
	var body *egress.Upload
	if u != nil {
		body = &egress.Upload{Reader: u, Length: u.Length, Announced: u.Announced, Trailer: u.Trailer}
	}
	f, err := g.dispatcher.Forward(w, body, trailers, hold)
	if err != nil {
		hold, err := refusal(err)
		return nil, hold, err
	}
	return reply{f}, nil, nil
}

// tunnel is front.Tunnel.
func (g *Gateway) tunnel(w *record.Webhook, hold time.Duration) (net.Conn, *front.Failure, *front.Hold, error) {
	cn, resp, err := g.dispatcher.Tunnel(w, hold)
	switch {
	case err != nil:
		hold, err := refusal(err)
		return nil, nil, hold, err
	case cn == nil:
		return nil, &front.Failure{Class: string(resp.Class), TimedOut: resp.TimedOut, Err: resp.Err}, nil, nil
	}
	return cn, nil, nil, nil
}

// reply is front.Reply.
type reply struct{ *dispatch.Forwarded }

// Status is front.Reply's.
func (r reply) Status() int { return r.Resp.Status }

// Failure is front.Reply's.
func (r reply) Failure() (class string, timedOut bool, err error) {
	return string(r.Resp.Class), r.Resp.TimedOut, r.Resp.Err
}

// VisitAll is front.Reply's.
func (r reply) VisitAll(visit func(name, value []byte)) { r.Resp.VisitAll(visit) }

// Length is front.Reply's.
func (r reply) Length() int { return r.Body.Length }

// refusal tells why a call's turn did not come.
func refusal(err error) (*front.Hold, error) {
	var delayed *dispatch.Delayed
	switch {
	case errors.As(err, &delayed):
		return holdOf(&delayed.Waiting, time.Now()), nil
	case errors.Is(err, dispatch.ErrStopping):
		return nil, front.ErrStopping
	case errors.Is(err, dispatch.ErrCrowded):
		return nil, front.ErrCrowded
	case errors.Is(err, dispatch.ErrUnsettled):
		return nil, front.ErrUnsettled
	}
	return nil, err
}

// holdOf puts what holds a direct call into words, and says when it is worth asking again: when the lane looks again, and
// then as long as those before it need at its pace.
func holdOf(w *schedule.Waiting, now time.Time) *front.Hold {
	h := &front.Hold{Breaker: w.Reason == schedule.Breaker}
	switch w.Reason {
	case schedule.Breaker:
		h.Why = "the breaker of its host is open"
	case schedule.Pause:
		h.Why = "its destination asked for a pause"
		if cause := w.Budget.PauseCause; cause != "" {
			h.Why += " (" + cause + ")"
		}
	case schedule.Concurrency:
		h.Why = "as many calls are under way as its destination bears"
	case schedule.Held:
		h.Why = "an operator holds its host or its flow"
	default:
		h.Why = "others are before it, or its destination's limit is spent"
	}
	if w.Until.After(now) {
		h.Wait = w.Until.Sub(now)
		h.Why += " until " + w.Until.UTC().Format("15:04:05")
	}
	if rate := w.Budget.Rate; rate > 0 && !math.IsInf(rate, 0) {
		if w.Position > 0 {
			h.Wait += time.Duration(float64(w.Position) / rate * float64(time.Second))
		}
		h.Limit, h.Per = whole(rate)
		h.Why += fmt.Sprintf("; it gets %d calls per %s", h.Limit, h.Per)
	}
	return h
}

// whole writes a pace in whole calls per whole seconds.
func whole(rate float64) (n int64, per time.Duration) {
	if rate >= 1 {
		return int64(rate), time.Second
	}
	return 1, time.Duration(math.Ceil(1/rate)) * time.Second
}
