package gateway_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

// outward is a listener that other machines can reach, as far as its address tells.
type outward struct {
	*fasthttputil.InmemoryListener
}

func (outward) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8481} }

// open runs a gateway in real time; get asks one of its listeners with a token, which may be empty.
func openDoors(t *testing.T, conf configs.Config, front, admin net.Listener) (stop func() string) {
	t.Helper()
	var log strings.Builder
	conf.Data.Dir, conf.Data.MinFree = t.TempDir(), 64*configs.MiB
	g, err := gateway.New(gateway.Settings{
		Config: conf, Version: "test", Log: zerolog.New(zerolog.SyncWriter(&log)), Listener: front, Admin: admin,
		Reload: func() (configs.Config, error) { return conf, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	return func() string {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return log.String()
	}
}

func asked(t *testing.T, dial func() (net.Conn, error), method, host, path, token string) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }, DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func tokenOf(name string, tenant string, scopes ...string) configs.Token {
	return configs.Token{Name: name, SHA256: configs.SHA256Of(sha256.Sum256([]byte(name))), Tenant: tenant, Scopes: scopes}
}

// TestAdminAddressThatOthersReachWantsATokenForAllButHealth covers what the front door's table of routes does not.
func TestAdminAddressThatOthersReachWantsATokenForAllButHealth(t *testing.T) {
	conf := configs.Default()
	conf.Tokens = []configs.Token{tokenOf("ops", "", "admin"), tokenOf("eu", "eu", "admin"), tokenOf("reader", "", "read", "send", "read:body")}
	front, admin := fasthttputil.NewInmemoryListener(), outward{fasthttputil.NewInmemoryListener()}
	stop := openDoors(t, conf, front, admin)
	for _, tt := range []struct {
		method, path, token string
		status              int
	}{
		{"GET", "/healthz", "", 200},
		{"GET", "/metrics", "", 401},
		{"GET", "/metrics", "guess", 401},
		{"GET", "/metrics", "eu", 401},
		{"GET", "/metrics", "reader", 401},
		{"GET", "/metrics", "ops", 200},
		{"GET", "/debug/pprof/", "", 401},
		{"GET", "/debug/pprof/", "ops", 200},
		{"POST", "/reload", "", 401},
		{"POST", "/reload", "ops", 200},
	} {
		if got := asked(t, admin.Dial, tt.method, "sluice.internal", tt.path, tt.token); got != tt.status {
			t.Errorf("%s %s with %q: %d, want %d", tt.method, tt.path, tt.token, got, tt.status)
		}
	}
	if got := asked(t, front.Dial, "GET", "127.0.0.1", "/v1/hosts", "reader"); got != 200 {
		t.Errorf("the front door answers the reader with %d", got)
	}
	if got := asked(t, front.Dial, "GET", "127.0.0.1", "/v1/hosts", ""); got != 401 {
		t.Errorf("the front door answers nobody with %d", got)
	}
	if log := stop(); !strings.Contains(log, "unencrypted") || strings.Contains(log, "no tokens") {
		t.Errorf("logged %s", log)
	}
}

func TestGatewayWithoutTokensSaysSo(t *testing.T) {
	front, admin := fasthttputil.NewInmemoryListener(), fasthttputil.NewInmemoryListener()
	stop := openDoors(t, configs.Default(), front, admin)
	for _, path := range []string{"/metrics", "/healthz"} {
		if got := asked(t, admin.Dial, "GET", "127.0.0.1", path, ""); got != 200 {
			t.Errorf("%s: %d", path, got)
		}
	}
	if log := stop(); !strings.Contains(log, "no tokens are configured") {
		t.Errorf("logged %s", log)
	}
}

// TestReloadedTokensHoldAtOnce, and a revoked one opens nothing any more.
func TestReloadedTokensHoldAtOnce(t *testing.T) {
	w := newWorld(t)
	text := fmt.Sprintf("tokens: [{name: a, sha256: %x, scopes: [read]}]\n", sha256.Sum256([]byte("a")))
	w.file(&text)
	w.start()
	defer w.shutdown()
	status := func(token string) int { return asked(t, w.front.Dial, "GET", "127.0.0.1", "/v1/hosts", token) }
	if got := [2]int{status("a"), status("b")}; got != [2]int{200, 401} {
		t.Fatalf("a and b: %d", got)
	}
	text = fmt.Sprintf("tokens: [{name: b, sha256: %x, scopes: [read]}]\n", sha256.Sum256([]byte("b")))
	if applied := fmt.Sprint(w.reloads().Applied); applied != "[tokens]" {
		t.Errorf("applied %s", applied)
	}
	if got := [2]int{status("a"), status("b")}; got != [2]int{401, 200} {
		t.Errorf("a and b after the reload: %d", got)
	}
}
