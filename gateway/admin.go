package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/badgerstore"
)

// adminServer serves what operators and their machines look at: metrics, health and profiles; and what
// they do there, which no page of another site may do for them.
func adminServer(g *Gateway, registry *prometheus.Registry) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, g.unready())
		if leap := g.dispatcher.Leap(); leap.By > 0 {
			_, _ = fmt.Fprintf(w, "the clock was set forward by %s: what that alone makes due or lets expire is held until %s, unless it is set back\n",
				leap.By.Round(time.Second), leap.Until.UTC().Format(time.RFC3339))
		}
	})
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

// unready returns why the gateway is not to be sent anything now; nil: it is.
func (g *Gateway) unready() error {
	if !g.ready.Load() {
		return errors.New("it starts, or stops")
	}
	err := g.accepting()
	for _, known := range []error{persist.ErrFailed, persist.ErrSilent, persist.ErrUnwritable, persist.ErrNoFiles, persist.ErrFull} {
		if errors.Is(err, known) {
			return known // the log says where, not everybody who may ask
		}
	}
	return err
}

// answer says that all is well, or 503 and what is not.
func answer(w http.ResponseWriter, fault error) {
	text := "ok\n"
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if fault != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = fmt.Sprintf("not ready: %v\n", fault)
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
