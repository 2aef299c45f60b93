package dispatch

import (
	"net"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Tunnel connects to a webhook's host once its lane's turn for it has come, for which it waits as long as hold at most: the
// errors are Forward's. It counts as a call that ends when there is a connection, or none, which is all that the breaker
// hears: what is said in it nobody here sees. resp says why cn is nil.
func (d *Dispatcher) Tunnel(w *record.Webhook, hold time.Duration) (cn net.Conn, resp *egress.Response, err error) {
	queue := w.Queue()
	turn := new(pass)
	if err := d.pass(turn, hold, &queue); err != nil {
		return nil, nil, err
	}
	p := d.policyOf(w)
	resp = new(egress.Response)
	cn = d.set.Client.Tunnel(&egress.Request{Method: "CONNECT", URL: w.URL, Connect: p.ConnectTimeout, Timeout: p.Timeout}, resp)
	health := d.health(w.Host, resp, policy.Retry)
	if cn != nil {
		health = circuit.Neutral // that it takes connections does not make it well
	}
	turn.end(limiter.Observation{
		Sent: resp.Sent, Received: time.Now(), Failed: cn == nil, TimedOut: resp.TimedOut,
	}, health)
	return cn, resp, nil
}
