// Package gateway is the application: it wires the rooms below it to each other and runs them.
//
// A webhook's way through it: front reads and checks a definition and has the store keep it; the store's committer
// hands what it committed to dispatch; dispatch asks schedule what may start, sends through egress, and settles in the
// store what became of it. gateway itself decides nothing about any webhook.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/alarm"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/jobs"
	"github.com/sluice-gateway/sluice/gateway/notice"
	"github.com/sluice-gateway/sluice/gateway/rules"
	"github.com/sluice-gateway/sluice/gateway/signer"
	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/persist"
)

// Settings are what a Gateway is built with. Config must be valid.
type Settings struct {
	Config  configs.Config
	Version string
	Log     zerolog.Logger
	// DespiteLoss is badgerstore.Options'.
	DespiteLoss bool

	// Reload reads the configuration anew, for Gateway.Reload; its errors may be configs.Faults. What it returns is
	// valid. Nil: there is nothing to read it from.
	Reload func() (configs.Config, error)
	// SetLogLevel changes what Log lets through to one of log.level's words. Nil: only a restart does.
	SetLogLevel func(level string)
	// Alarm wakes who sends, and is closed when Run ends. Nil: a time.Timer, which is late by up to a millisecond but knows
	// virtual time.
	Alarm alarm.Alarm

	// Listener and Admin replace the addresses of Config, and Dial the network towards destinations: for tests that
	// run the whole gateway in memory.
	Listener, Admin net.Listener
	Dial            func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolver finds destinations' addresses where Dial is nil; nil: the system's.
	Resolver *net.Resolver
	// NoCompaction is badgerstore.Options': for the same tests, of which some go on for days of virtual time.
	NoCompaction bool
	// Store puts something before the store, for tests of what a crash between two of its writes leaves. Nil: nothing.
	Store func(persist.Store) persist.Store
}

// Gateway is a running or runnable gateway. Use New, then Run once.
type Gateway struct {
	set   Settings // Config is what it was started with; see conf
	log   zerolog.Logger
	ready atomic.Bool

	rules     rules.InForce
	reloading sync.Mutex
	conf      configs.Config // in force; under reloading
	ways      []*egress.Way  // of its egress.hosts, as their files were read

	faults                  chan error // each ends Run; of capacity mostFaults
	places                  places     // of the files that may be open
	listener, adminListener net.Listener
	certificate             *certificate // nil: no TLS

	store      persist.Store
	accepting  func() error // why the store accepts nothing now
	keys       *signer.Keys
	client     *egress.Client
	dispatcher *dispatch.Dispatcher
	sending    atomic.Pointer[dispatch.Dispatcher] // the same, for the store, which is there before it
	jobs       *jobs.Runner
	flows      *front.FlowCap
	room       *subscription.Room
	notices    *notice.Teller
	front      *front.Front
	admin      *http.Server
}

// New opens the store and the listeners. It fails when the data directory is in use or not ours, an address is taken,
// or the configuration contradicts itself.
func New(set Settings) (*Gateway, error) {
	g := &Gateway{set: set, log: set.Log, conf: set.Config, listener: set.Listener, adminListener: set.Admin,
		faults: make(chan error, mostFaults)}
	if err := g.open(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// mostFaults is how many faults can end a gateway: of its two listeners, and of its store.
const mostFaults = 3

// Run serves until ctx ends, or a listener fails, or the store can be written no more, which only opening it anew helps; then
// stops accepting, lets what is under way finish within the shutdown timeout, and closes the store. Whatever was accepted and not
// settled is sent after the next start.
func (g *Gateway) Run(ctx context.Context) error {
	began := time.Now()
	if err := g.dispatcher.Restore(ctx); err != nil {
		return errors.Join(fmt.Errorf("starting: %w", err), g.close())
	}
	g.jobs.Resume() // before anyone can ask for one
	go func() { g.faults <- g.serveAdmin() }()
	go func() { g.faults <- g.front.Serve(g.door()) }()

	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	sent := make(chan error, 1)
	go func() { sent <- g.dispatcher.Run(sending) }()

	counting, stopCounting := context.WithCancel(context.WithoutCancel(ctx))
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		var telling sync.WaitGroup
		telling.Go(func() { g.notices.Run(counting) })
		g.room.Run(counting)
		telling.Wait()
	}()

	g.ready.Store(true)
	g.log.Info().Stringer("listen", g.listener.Addr()).Stringer("admin", g.adminListener.Addr()).
		Str("data", g.set.Config.Data.Dir).Str("version", g.set.Version).Dur("start_ms", time.Since(began)).
		Msg("serving")
	g.warnOfDoors()

	var fault error
	select {
	case <-ctx.Done():
	case fault = <-g.faults:
	}
	g.ready.Store(false)
	if fault != nil {
		g.log.Error().Err(fault).Msg("nothing can be served any more")
	}
	g.log.Info().Msg("stopping: what is under way may finish")
	shut, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(g.set.Config.Shutdown.Timeout))
	defer cancel()
	g.jobs.Close()
	stopSending() // at once: what is still accepted waits on disk for the next start
	if err := g.front.Shutdown(shut); err != nil {
		g.log.Warn().Err(err).Msg("requests were still under way when the shutdown timeout passed")
	}
	if err := <-sent; err != nil {
		g.log.Warn().Err(err).Msg("stopped before everything under way had ended")
	}
	stopCounting() // of attempts, the last of which has ended
	<-counted
	return errors.Join(fault, g.close())
}

// close ends what New opened.
func (g *Gateway) close() error {
	var errs []error
	if g.admin != nil {
		errs = append(errs, g.admin.Close())
	}
	for _, l := range []net.Listener{g.listener, g.adminListener} {
		if l != nil {
			_ = l.Close() // the servers have closed theirs already
		}
	}
	if g.jobs != nil {
		g.jobs.Close()
	}
	if g.client != nil {
		g.client.Close()
	}
	if g.store != nil {
		errs = append(errs, g.store.Close())
	}
	return errors.Join(errs...)
}
