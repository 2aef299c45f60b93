package gateway

import "net"

// Addr is the front door's address.
func (g *Gateway) Addr() net.Addr { return g.listener.Addr() }
