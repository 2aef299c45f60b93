package gateway

import (
	"errors"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-gateway/sluice/persist/badgerstore"
)

// adminServer serves what operators and their machines look at: metrics, health and profiles; and what
// they do there, which no page of another site may do for them.
func adminServer(g *Gateway, registry *prometheus.Registry) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, true) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, g.ready.Load()) })
	mux.HandleFunc("POST /reload", g.reloadRoute)
	mux.HandleFunc("POST /signing-keys/rotate", g.rotateRoute)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	all := g.ownPages(mux)
	if !ownMachineOnly(g.adminListener.Addr()) {
		all = g.administrators(all)
	}
	return &http.Server{Handler: all, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
}

// answer says whether something is so: 200, or 503.
func answer(w http.ResponseWriter, ok bool) {
	text := "ok\n"
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = "not ready\n"
	}
	_, _ = w.Write([]byte(text)) // whoever asked and left needs no answer
}

func (g *Gateway) serveAdmin() error {
	if err := g.admin.Serve(g.adminDoor()); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// storeMetrics say what the store takes of the disk, and what it could not read.
func storeMetrics(s *badgerstore.Store) []prometheus.Collector {
	part := func(name string, bytes func(badgerstore.Sizes) int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sluice_store_bytes", Help: "Bytes that the store takes on disk, by part.",
			ConstLabels: prometheus.Labels{"part": name},
		}, func() float64 { return float64(bytes(s.Sizes())) })
	}
	return []prometheus.Collector{
		part("live", func(z badgerstore.Sizes) int64 { return z.Live }),
		part("metadata", func(z badgerstore.Sizes) int64 { return z.Metadata }),
		part("body", func(z badgerstore.Sizes) int64 { return z.Body }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sluice_store_set_aside_rows", Help: "Rows that could not be read and were set aside.",
		}, func() float64 { return float64(s.Sizes().SetAside) }),
	}
}
