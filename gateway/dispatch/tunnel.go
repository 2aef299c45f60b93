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

// Tunnel connects to a webhook's host once its lane's turn for it has come, for which it waits as long as patience at most: the
// errors are Forward's. It counts as a call that ends when there is a connection, or none, which is all that the breaker
// hears: what is said in it nobody here sees. resp says why cn is nil.
func (d *Dispatcher) Tunnel(w *record.Webhook, patience time.Duration) (cn net.Conn, resp *egress.Response, err error) {
	queue := w.Queue()
	turn := new(pass)
	if err := d.pass(turn, patience, &queue); err != nil {
		return nil, nil, err
	}
	began, outcome := time.Now(), policy.Retry
	health := circuit.Neutral
	resp = new(egress.Response)
	made := false
	defer func() {
		if !made && cn != nil { // a panic: nobody gets it
			_ = cn.Close()
		}
		now := time.Now()
		d.count(w.Host, outcome, now.Sub(began))
		turn.end(limiter.Observation{
			Sent: resp.Sent, Received: now, Failed: outcome != policy.Delivered, TimedOut: resp.TimedOut,
		}, health)
	}()
	p := d.policyOf(w)
	cn = d.set.Client.Tunnel(&egress.Request{Method: "CONNECT", URL: w.URL, Connect: p.ConnectTimeout, Timeout: p.Timeout}, resp)
	if health = d.health(w.Host, resp, policy.Retry); cn != nil {
		outcome, health = policy.Delivered, circuit.Neutral // that it takes connections does not make it well
	}
	made = true
	return cn, resp, nil
}
