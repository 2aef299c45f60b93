package gateway

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// What follows turns sections of the user's YAML into the settings of the rooms that they are about.

func policySet(conf *configs.Config) (policy.Set, error) {
	named := map[string]policy.Overrides{}
	for name, p := range conf.Policies {
		named[name] = policy.Overrides{
			Extends: p.Extends, MaxAge: time.Duration(p.MaxAge),
			Timeout: time.Duration(p.Timeout), ConnectTimeout: time.Duration(p.ConnectTimeout), Identity: p.Identity,
		}
	}
	return policy.NewSet(named)
}

func egressSettings(conf *configs.Config, set Settings, own ...net.Listener) egress.Settings {
	s := egress.Settings{
		AllowNets: configs.Prefixes(conf.Egress.AllowNets), DenyNets: configs.Prefixes(conf.Egress.DenyNets),
		UserAgent: "Sluice/" + set.Version, Dial: set.Dial,
	}
	for _, port := range conf.Egress.Ports {
		s.Ports = append(s.Ports, uint16(port)) //nolint:gosec // the configuration is valid
	}
	for _, l := range own {
		if addr, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			s.Own = append(s.Own, addr)
		}
	}
	return s
}

func scheduleSettings(conf *configs.Config, limits *configs.Index) schedule.Settings {
	breaker := circuit.Config{
		FailureRatio: conf.Breaker.FailureRatio, MinRequests: conf.Breaker.MinRequests,
		Window: time.Duration(conf.Breaker.Window), CoolDown: time.Duration(conf.Breaker.CoolDown),
		CoolDownMax: time.Duration(conf.Breaker.CoolDownMax), Probes: conf.Breaker.Probes,
	}
	return schedule.Settings{
		MaxInFlight: conf.Egress.MaxInFlight,
		Budget: func(lane record.Lane, now time.Time) *limiter.Budget {
			return limiter.New(budgetConfig(limits.Match(lane.Host)), now)
		},
		Breaker: func(string) *circuit.Breaker { return circuit.New(breaker) },
	}
}

func budgetConfig(h configs.Host) limiter.Config {
	c := limiter.Config{
		Start: h.Start.PerSecond(), Ceiling: h.Ceiling.PerSecond(), Fixed: h.Fixed.PerSecond(), Share: h.Share,
		MaxPause:         time.Duration(h.MaxPause),
		ConcurrencyStart: h.Concurrency.Start, ConcurrencyMax: h.Concurrency.Max,
	}
	for _, w := range h.Windows {
		c.Windows = append(c.Windows, limiter.Rule{N: w.N, Per: w.Per})
	}
	return c
}

func laneBy(limits *configs.Index) func(host string) webhook.LaneBy {
	return func(host string) webhook.LaneBy {
		by := limits.Match(host).By
		return webhook.LaneBy{By: webhook.By(by.Kind), Segments: by.Segments}
	}
}

// hostLabel names a host in metrics by the entry of limits.hosts that matches it: as many values as entries, however
// many hosts are called.
func hostLabel(limits *configs.Index) func(host string) string {
	return func(host string) string {
		if m := limits.Match(host).Match; m != "" {
			return m
		}
		return "other"
	}
}

// overrides says how headers of a host are to be read. Entries are few and hosts many, so each is made once.
func overrides(limits *configs.Index) func(host string) *limiter.Override {
	var made sync.Map // by match
	return func(host string) *limiter.Override {
		h := limits.Match(host)
		if h.Match == "" {
			return nil
		}
		if o, ok := made.Load(h.Match); ok {
			return o.(*limiter.Override) //nolint:forcetypeassert // nothing else is stored
		}
		o, err := h.Override()
		if err != nil { // the configuration is valid
			o = nil
		}
		made.Store(h.Match, o)
		return o
	}
}

// showURL makes URLs fit to be shown: without credentials, and without their path where the configuration says that it
// is one.
func showURL(limits *configs.Index) func(host, url string) string {
	return func(host, url string) string {
		if limits.Match(host).MaskPath {
			return webhook.MaskPath(url)
		}
		return webhook.MaskURL(url)
	}
}
