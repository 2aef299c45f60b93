package gateway

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/gateway/signer"
)

// What follows turns the egress section into what the client obeys: where it may go, and how.

// egressRules makes them of a valid configuration and of the files that it names, whose every fault it tells as
// configs.Faults. own are the gateway's listeners.
func egressRules(conf *configs.Config, own ...net.Listener) (r egress.Rules, ways []*egress.Way, err error) {
	e := &conf.Egress
	r = egress.Rules{Guard: egress.Guard{
		AllowNets: configs.Prefixes(e.AllowNets), DenyNets: configs.Prefixes(e.DenyNets),
	}}
	if allow := configs.Hosts(e.AllowHosts); !allow.Empty() {
		r.AllowHosts = allow.Has
	}
	if deny := configs.Hosts(e.DenyHosts); !deny.Empty() {
		r.DenyHosts = deny.Has
	}
	for _, port := range e.Ports {
		r.Ports = append(r.Ports, uint16(port)) //nolint:gosec // the configuration is valid
	}
	for _, l := range own {
		if addr, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			r.Own = append(r.Own, addr)
		}
	}
	ways, faults := loadWays(e)
	if len(faults) > 0 {
		return r, nil, faults
	}
	if index := e.Ways(); len(ways) > 0 {
		r.Ways = func(host string) *egress.Way {
			if i, ok := index.Match(host); ok {
				return ways[i]
			}
			return nil
		}
	}
	return r, ways, nil
}

// loadWays reads the files of egress.hosts.
func loadWays(e *configs.Egress) (ways []*egress.Way, faults configs.Faults) {
	for i, w := range e.Hosts {
		way, bad := egress.LoadWay(egress.WayFiles{
			ClientCert: w.ClientCert, ClientKey: w.ClientKey, CA: w.CA, Source: w.SourceAddress,
			ProxyURL: w.ProxyURL, ProxyCredentials: w.ProxyCredentials,
		})
		for _, f := range bad {
			faults = append(faults, configs.Fault{
				Path: fmt.Sprintf("egress.hosts[%d].%s", i, f.Key), Value: f.File, Problem: f.Problem, Want: f.Want,
			})
		}
		ways = append(ways, way)
	}
	return ways, faults
}

// CheckFiles reads the files that a valid configuration names, as New and Reload do, and tells every fault of theirs.
func CheckFiles(conf *configs.Config) configs.Faults {
	_, faults := loadWays(&conf.Egress)
	if conf.TLS.Enabled() {
		_, more := readTLS(conf.TLS)
		faults = append(faults, more...)
	}
	_, more := readSigners(conf)
	return append(append(faults, more...), credentialFaults(conf)...)
}

// readSigners reads the secrets of policies.
func readSigners(conf *configs.Config) (signers map[policy.Signature]*sign.Signer, faults configs.Faults) {
	signers, bad := signer.ReadFiles(conf.PolicySet())
	for _, f := range bad {
		faults = append(faults, configs.Fault{
			Path: fmt.Sprintf("policies.%s.sign", f.Policy), Value: f.File, Problem: f.Problem,
			Want: "a file that the gateway can read, with a secret in each line, the newest first",
		})
	}
	return signers, faults
}

// mayCall judges a destination under the rules in force, as far as it can be told before it is dialled.
func (g *Gateway) mayCall(host string, port uint16) error {
	return g.client.Guard().CheckHost(host, port)
}
