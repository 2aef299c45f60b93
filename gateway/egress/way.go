package egress

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"slices"
)

// Way is how some destinations are reached. A nil Way: directly, from whichever address the system takes, with nothing
// to show and the client's own authorities. It is not changed once in use.
type Way struct {
	Certificate *tls.Certificate // shown to destinations that ask for one; nil: none
	RootCAs     *x509.CertPool   // what certificates are verified against; nil: the client's
	Source      netip.Addr       // of this machine, that calls come from; the zero Addr: the system's choice
	Proxy       *Proxy           // nil: none

	sessions tls.ClientSessionCache // of its own: a session is resumed as who began it
}

// Same reports whether another way reaches destinations alike; either may be nil.
func (w *Way) Same(other *Way) bool {
	if w == nil || other == nil {
		return w == other
	}
	return w.Source == other.Source && same(w.Proxy, other.Proxy, func(a, b *Proxy) bool { return *a == *b }) &&
		same(w.RootCAs, other.RootCAs, (*x509.CertPool).Equal) &&
		same(w.Certificate, other.Certificate, func(a, b *tls.Certificate) bool {
			return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
		})
}

// same reports whether two are alike, or neither is there.
func same[T any](a, b *T, alike func(a, b *T) bool) bool {
	return a == b || a != nil && b != nil && alike(a, b)
}

// way returns how a host is reached; nil: directly.
func (r *Rules) way(host string) *Way {
	if r.Ways == nil {
		return nil
	}
	return r.Ways(host)
}

// tls returns what TLS is spoken with on this way, a copy of its own.
func (w *Way) tls(plain *tls.Config) *tls.Config {
	conf := plain.Clone()
	if w == nil {
		return conf
	}
	if w.RootCAs != nil {
		conf.RootCAs = w.RootCAs
	}
	if w.Certificate != nil {
		conf.Certificates = []tls.Certificate{*w.Certificate}
	}
	if w.RootCAs != nil || w.Certificate != nil {
		conf.ClientSessionCache = w.sessions
	}
	return conf
}

// source is the address to dial from; nil: the system's choice.
func (w *Way) source() net.Addr {
	if w == nil || !w.Source.IsValid() {
		return nil
	}
	return &net.TCPAddr{IP: w.Source.AsSlice(), Zone: w.Source.Zone()}
}
