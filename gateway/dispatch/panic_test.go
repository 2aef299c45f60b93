package dispatch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// panics reports whether a call panicked.
func panics(call func()) (did bool) {
	defer func() { did = recover() != nil }()
	call()
	return false
}

// counted is how many calls were counted, whatever they meant.
func counted(t *testing.T, d *Dispatcher) (n float64) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(d.metrics.attempts)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			n += m.GetCounter().GetValue()
		}
	}
	return n
}

func TestACallThatFailsWithinSluiceLeavesNothingUnderWay(t *testing.T) {
	webhook, err := record.DecodeWebhook(payload())
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(*Dispatcher){
		"a proxied request": func(d *Dispatcher) { _, _ = d.Forward(webhook, nil, false, time.Second) },
		"a tunnel":          func(d *Dispatcher) { _, _, _ = d.Tunnel(webhook, time.Second) },
		"a test":            func(d *Dispatcher) { _, _, _ = d.Try(context.Background(), webhook, false) },
		"an attempt": func(d *Dispatcher) {
			e := entryOf(1)
			d.Committed([]persist.Committed{{Queue: nowhere, QueueID: nowhere.ID(), Entry: e, Payload: payload()}})
			time.Sleep(time.Second)
			panic("the worker's, which it recovers from")
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, stop := dispatching(t, &shelf{})
			d.set.Fails = func(string, int, bool) bool { panic("a rule") }
			d.set.Override = func(string) *limiter.Override { panic("an override") }
			if !panics(func() { call(d) }) {
				t.Fatalf("%s: nothing failed: that proves nothing", name)
			}
			synctest.Wait()
			if n := d.Load().InFlight; n != 0 {
				t.Errorf("%s: %d under way after it failed", name, n)
			}
			if n := counted(t, d); n != 1 {
				t.Errorf("%s: counted %v times, want once", name, n)
			}
			began := time.Now()
			stop()
			if took := time.Since(began) - restTime; took != 0 {
				t.Errorf("%s: the shutdown took %s", name, took)
			}
		})
	}
}
