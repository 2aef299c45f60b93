package gateway

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// listen opens the listeners that Settings did not bring.
func (g *Gateway) listen() (err error) {
	if g.listener == nil {
		if g.listener, err = net.Listen("tcp", g.set.Config.Listen); err != nil {
			return listenError("listen", err)
		}
	}
	if g.adminListener == nil {
		if g.adminListener, err = net.Listen("tcp", g.set.Config.Admin); err != nil {
			return listenError("admin", err)
		}
	}
	return nil
}

// listenError says what to do where an address is taken, mostly by a gateway that runs already.
func listenError(key string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w: another program listens there, perhaps a gateway that runs already: want another address, or that one stopped", key, err)
	}
	return fmt.Errorf("%s: %w", key, err)
}

// ownMachineOnly reports whether an address can be reached from this machine only: loopback, or no network's at all.
func ownMachineOnly(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// door is the front door's listener: bounded for each address, and behind TLS where there is a certificate.
func (g *Gateway) door() net.Listener {
	ln := front.BoundPerAddress(g.listener, g.set.Config.Connections.PerAddress)
	if g.certificate != nil {
		ln = tls.NewListener(ln, g.certificate.config())
	}
	return ln
}

// adminDoor is the admin listener: behind TLS where others reach it and there is a certificate.
func (g *Gateway) adminDoor() net.Listener {
	if g.certificate != nil && !ownMachineOnly(g.adminListener.Addr()) {
		return tls.NewListener(g.adminListener, g.certificate.config())
	}
	return g.adminListener
}

// warnOfDoors says aloud who can reach what.
func (g *Gateway) warnOfDoors() {
	if len(g.set.Config.Tokens) == 0 {
		g.log.Warn().Stringer("listen", g.listener.Addr()).
			Msg("no tokens are configured: every program on this machine may do everything here, and nobody else anything")
		return
	}
	for name, l := range map[string]net.Listener{"listen": g.listener, "admin": g.adminListener} {
		if g.certificate == nil && !ownMachineOnly(l.Addr()) {
			g.log.Warn().Stringer(name, l.Addr()).
				Msg("tokens come over the network unencrypted: anyone on the way can read them")
		}
	}
}
