package gateway_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers A and AAAA queries on loopback for the names that it knows, a CNAME before them where there is one.
type nameServer struct {
	mu    sync.Mutex
	names map[string][]netip.Addr
	alias map[string]string
	asked map[string]int
	// rebinds are names that answer with the first of their addresses once, and with the others from then on.
	rebinds map[string]bool
}

func (s *nameServer) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = pc.Close() })
	serving.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := s.answer(buf[:n]); answer != nil {
				_, _ = pc.WriteTo(answer, from)
			}
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func (s *nameServer) answer(query []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := q.Name
	for s.alias[name] != "" {
		to := dnsmessage.MustNewName(s.alias[name] + ".")
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: q.Class}, Body: &dnsmessage.CNAMEResource{CNAME: to},
		})
		name, owner = s.alias[name], to
	}
	addrs := s.names[name]
	if len(addrs) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	if s.rebinds[name] {
		if key := name + q.Type.String(); s.asked[key] == 0 {
			s.asked[key]++
			addrs = addrs[:1]
		} else {
			addrs = addrs[1:]
		}
	}
	head := dnsmessage.ResourceHeader{Name: owner, Class: q.Class}
	for _, a := range addrs {
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

// named is a gateway's name server: names that resolve to what may not be called, at once or the second time.
func named() *nameServer {
	addr := netip.MustParseAddr
	return &nameServer{
		asked: map[string]int{},
		names: map[string][]netip.Addr{
			"loopback.example": {addr("127.0.0.1")}, "six.example": {addr("::1")}, "both.example": {addr("127.0.0.1"), addr("::1")},
			"mapped.example": {addr("::ffff:127.0.0.1")}, "nat64.example": {addr("64:ff9b::7f00:1")}, "nothing.example": {addr("0.0.0.0"), addr("::")},
			"private.example": {addr("10.0.0.1"), addr("192.168.1.1"), addr("172.16.0.1")}, "imds.example": {addr("169.254.169.254"), addr("fd00:ec2::254")},
			"local.example": {addr("fe80::1")}, "cgnat.example": {addr("100.100.100.200")}, "six-to-four.example": {addr("2002:7f00:1::")},
			"rebinds.example": {addr("198.51.100.7"), addr("127.0.0.1")}, "target.example": {addr("127.0.0.1")},
		},
		alias:   map[string]string{"alias.example": "chain.example", "chain.example": "target.example"},
		rebinds: map[string]bool{"rebinds.example": true},
	}
}
