package real

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// nginxes returns nginx with its own two limiters. It tells nothing of them: no header, no Retry-After.
//
// https://nginx.org/en/docs/http/ngx_http_limit_req_module.html: calls beyond the rate wait while there are at most
// burst of them (with nodelay they are let through at once), and are refused beyond. Without burst, that is a call that
// comes sooner than 1/rate after the last one let through. The clock counts milliseconds.
//
// https://nginx.org/en/docs/http/ngx_http_limit_conn_module.html: so many calls under way at once.
func nginxes() []Destination {
	return []Destination{
		limitReq("nginx-limit-req-10", 10, 0, ""),
		limitReq("nginx-limit-req-100", 100, 0, ""),
		limitReq("nginx-limit-req-burst", 50, 25, "burst=25"),
		limitReq("nginx-limit-req-nodelay", 50, 25, "burst=25 nodelay"),
		limitReq("nginx-limit-req-delay", 10, 20, "burst=20 delay=8"),
		limitReqTwice(),
		limitConn("nginx-limit-conn", 8, 50*time.Millisecond),
	}
}

func limitReq(name string, perSecond, burst int, how string) Destination {
	return Destination{
		Name:  name,
		Rule:  Rule{Kind: Bucket, Limit: perSecond, Per: time.Second, Burst: burst + 1},
		Needs: []Tool{nginx},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			zone := fmt.Sprintf("limit_req_zone $binary_remote_addr zone=callers:1m rate=%dr/s;", perSecond)
			limit := fmt.Sprintf("limit_req zone=callers %s; limit_req_status 429;", how)
			return startNginx(ctx, t, at, zone, limit, "unix:"+filepath.Join(at.dir, "api.sock"))
		},
	}
}

// limitReqTwice has two zones at once, of an address and of a server, as nginx's documentation has it: each must let a call through.
func limitReqTwice() Destination {
	return Destination{
		Name:  "nginx-limit-req-twice",
		Rule:  Rule{Kind: Bucket, Limit: 5, Per: time.Second, Burst: 21},
		Needs: []Tool{nginx},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			zones := "limit_req_zone $binary_remote_addr zone=callers:1m rate=10r/s; limit_req_zone $server_addr zone=all:1m rate=5r/s;"
			limits := "limit_req zone=callers burst=5 nodelay; limit_req zone=all burst=20; limit_req_status 429;"
			return startNginx(ctx, t, at, zones, limits, "unix:"+filepath.Join(at.dir, "api.sock"))
		},
	}
}

func limitConn(name string, atOnce int, took time.Duration) Destination {
	return Destination{
		Name:  name,
		Rule:  Rule{Kind: Concurrency, Limit: atOnce, Took: took},
		Needs: []Tool{nginx, servers},
		start: func(ctx context.Context, t Toolbox, at place) ([]*process, error) {
			api, err := loopback.FreeAddr()
			if err != nil {
				return nil, err
			}
			slow, err := serve(ctx, api, at.dir, "", t[servers], "-kind", "slow", "-listen", api, "-delay", took.String())
			if err != nil {
				return nil, err
			}
			front, err := startNginx(ctx, t, at, "limit_conn_zone $binary_remote_addr zone=callers:1m;",
				fmt.Sprintf("limit_conn callers %d; limit_conn_status 429;", atOnce), api)
			return append(some(slow), front...), err
		},
	}
}

// nginxConf stands before an API, in the other server block or elsewhere: a location that returns by itself would do so
// before limits are looked at.
const nginxConf = `
daemon off;
pid %[1]s/nginx.pid;
error_log stderr warn;
worker_processes 1;
events { worker_connections 1024; }
http {
  log_format answers '$msec $request_time $status $http_webhook_id';
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  %[2]s
  server {
    listen %[3]s;
    access_log %[4]s answers;
    location / {
      %[5]s
      proxy_pass http://%[6]s;
    }
  }
  server {
    listen unix:%[1]s/api.sock;
    access_log off;
    return 200 "ok\n";
  }
}
`

func startNginx(ctx context.Context, t Toolbox, at place, zone, limit, api string) ([]*process, error) {
	if err := os.Chmod(at.dir, 0o711); err != nil { //nolint:gosec // its workers give up root and must reach the socket
		return nil, err
	}
	conf := filepath.Join(at.dir, "nginx.conf")
	text := fmt.Sprintf(nginxConf, at.dir, zone, at.addr, at.log, limit, api)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := serve(ctx, at.addr, at.dir, "", t[nginx], "-p", at.dir, "-c", conf)
	return some(p), err
}

// some is a list of the processes that did start.
func some(p *process) []*process {
	if p == nil {
		return nil
	}
	return []*process{p}
}
