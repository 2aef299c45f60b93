package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// proxies returns what HAProxy and Varnish are made to limit with.
func proxies() []Destination {
	ten := 10 * time.Second
	return []Destination{
		{
			Name: "haproxy", Rule: Rule{Limit: 100, Per: ten}, Needs: []Tool{haproxy}, start: startHAProxy(haproxyRules),
		},
		{
			Name: "haproxy-twice", Rule: Rule{Limit: 100, Per: ten}, Needs: []Tool{haproxy}, start: startHAProxy(haproxyTwice),
		},
		{
			Name: "varnish", Rule: Rule{Kind: Bucket, Limit: 100, Per: ten, Burst: 100}, Tells: "Retry-After: 5 always",
			Needs: []Tool{varnishd, varnishncsa, vsthrottle}, start: startVarnish,
		},
	}
}

// haproxyRules counts calls in a stick table over ten seconds that slide, those that it refuses too, and says nothing
// but 429. haproxyTwice counts those of a second, too.
//
// https://docs.haproxy.org/2.6/configuration.html, "http_req_rate" and "deny_status"
const (
	haproxyRules = `
  stick-table type ip size 1k expire 1m store http_req_rate(10s)
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100 }
`
	haproxyTwice = `
  stick-table type ip size 1k expire 1m store http_req_rate(10s),gpc0_rate(1s)
  http-request track-sc0 src
  http-request sc-inc-gpc0(0)
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100 } || { sc0_gpc0_rate gt 20 }
`
)

const haproxyConf = `
global
  log stdout format raw local0
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend limited
  bind %s
  log global
  option dontlognull
  http-request capture req.hdr(webhook-id) len 64
  log-format '%%[date(0,us),regsub("^(.{10})","\\1.")] 0 %%ST %%[capture.req.hdr(0)]'
%s
  http-request return status 200 content-type text/plain string "ok"
`

func startHAProxy(rules string) func(context.Context, Toolbox, place) ([]*process, error) {
	return func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
		conf := filepath.Join(at.dir, "haproxy.cfg")
		if err := os.WriteFile(conf, fmt.Appendf(nil, haproxyConf, at.addr, rules), 0o600); err != nil {
			return nil, err
		}
		p, err := serve(ctx, at.addr, at.dir, at.log, t[haproxy], "-db", "-f", conf)
		return some(p), err
	}
}

// varnishConf has vsthrottle's bucket of 100 that is filled again in ten seconds. Varnish's own page for answers that it
// makes up says Retry-After: 5, refused or not.
//
// https://github.com/varnish/varnish-modules/blob/master/src/vmod_vsthrottle.vcc
const varnishConf = `vcl 4.1;
import vsthrottle;
backend none none;
sub vcl_recv {
  if (vsthrottle.is_denied(client.identity, 100, 10s)) {
    return (synth(429, "Too Many Requests"));
  }
  return (synth(200));
}
`

func startVarnish(ctx context.Context, t Toolbox, at place) ([]*process, error) {
	conf, work := filepath.Join(at.dir, "limit.vcl"), filepath.Join(at.dir, "varnish")
	if err := os.WriteFile(conf, []byte(varnishConf), 0o600); err != nil {
		return nil, err
	}
	daemon, err := serve(ctx, at.addr, at.dir, filepath.Join(at.dir, "varnish.out"), t[varnishd], "-F", "-j", "none",
		"-n", work, "-a", at.addr, "-T", "none", "-f", conf, "-s", "malloc,16m")
	if err != nil {
		return nil, err
	}
	notes, err := launch(at.dir, at.log, t[varnishncsa], "-n", work, "-t", "10",
		"-F", "%{VSL:Timestamp:Resp[1]}x %{VSL:Timestamp:Resp[2]}x %s %{webhook-id}i")
	if err != nil {
		return nil, errors.Join(err, daemon.stop())
	}
	return []*process{daemon, notes}, nil
}
