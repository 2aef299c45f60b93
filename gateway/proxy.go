package gateway

import (
	"errors"
	"net"
	"time"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/operate"
	"github.com/sluice-gateway/sluice/persist/record"
)

// What follows hands proxied requests to the dispatcher, and its answers back in the front door's types.

// forward is front.Forward.
func (g *Gateway) forward(
	w *record.Webhook, u *front.Upload, trailers bool, patience time.Duration,
) (front.Reply, *front.Hold, error) {
	var body *egress.Upload
	if u != nil {
		body = &egress.Upload{Reader: u, Length: u.Length, Announced: u.Announced, Trailer: u.Trailer}
	}
	f, err := g.dispatcher.Forward(w, body, trailers, patience)
	if err != nil {
		hold, err := refusal(err)
		return nil, hold, err
	}
	return reply{f}, nil, nil
}

// tunnel is front.Tunnel.
func (g *Gateway) tunnel(w *record.Webhook, patience time.Duration) (net.Conn, *front.Failure, *front.Hold, error) {
	cn, resp, err := g.dispatcher.Tunnel(w, patience)
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
		return operate.HoldOf(&delayed.Waiting, time.Now()), nil
	case errors.Is(err, dispatch.ErrStopping):
		return nil, front.ErrStopping
	case errors.Is(err, dispatch.ErrCrowded):
		return nil, front.ErrCrowded
	case errors.Is(err, dispatch.ErrUnsettled):
		return nil, front.ErrUnsettled
	}
	return nil, err
}
