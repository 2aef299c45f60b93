package egress

import (
	"context"
	"net"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// Tunnel connects to the authority of an http or https URL, under the guard and on its way, and speaks neither HTTP nor TLS
// on the connection: that is for whoever it is handed to. resp says why there is none.
func (c *Client) Tunnel(req *Request, resp *Response) net.Conn {
	resp.reset()
	o, _, _, f := c.prepare(req)
	if f == nil {
		resp.Sent = time.Now()
		ctx, cancel := context.WithTimeout(c.ctx, req.connectTime())
		defer cancel()
		cn, err := c.dial(ctx, o.way, o.addr)
		if err == nil {
			resp.Received = time.Now()
			return cn
		}
		f = c.connectFailure(policy.ClassConnect, o, err)
	}
	resp.fail(f)
	return nil
}
