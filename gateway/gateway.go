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
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/badgerstore"
)

// Settings are what a Gateway is built with. Config must be valid.
type Settings struct {
	Config  configs.Config
	Version string
	Log     zerolog.Logger

	// Reload reads the configuration anew, for Gateway.Reload; its errors may be configs.Faults. What it returns is
	// valid. Nil: there is nothing to read it from.
	Reload func() (configs.Config, error)
	// SetLogLevel changes what Log lets through to one of log.level's words. Nil: only a restart does.
	SetLogLevel func(level string)

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

	rules     inForce
	reloading sync.Mutex
	conf      configs.Config // in force; under reloading

	listener, adminListener net.Listener
	certificate             *certificate // nil: no TLS

	store      persist.Store
	keys       *signingKeys
	client     *egress.Client
	dispatcher *dispatch.Dispatcher
	jobs       *jobs
	flows      *flowCap
	room       *subscription.Room
	notices    *notices
	front      *front.Front
	admin      *http.Server
}

// New opens the store and the listeners. It fails when the data directory is in use or not ours, an address is taken,
// or the configuration contradicts itself.
func New(set Settings) (*Gateway, error) {
	g := &Gateway{set: set, log: set.Log, conf: set.Config, listener: set.Listener, adminListener: set.Admin}
	if err := g.open(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// open opens and wires the rooms. What it opened before it failed is for close.
func (g *Gateway) open() error {
	set, conf := g.set, &g.set.Config
	var err error
	if g.certificate, err = openCertificate(conf.TLS, g.log); err != nil {
		return err
	}
	if err := g.listen(); err != nil {
		return err
	}
	compiled := newRules(conf, nil)
	if compiled.signers, err = readSigners(compiled.policies); err != nil {
		return err
	}
	g.rules.now.Store(compiled)
	key, err := dataKey(conf)
	if err != nil {
		return err
	}
	disk, err := badgerstore.Open(conf.Data.Dir, badgerstore.Options{
		Key: key, NoCompaction: set.NoCompaction,
		Committed: func(jobs []persist.Committed) { g.dispatcher.Committed(jobs) },
		Retention: badgerstore.Retention{
			Metadata: time.Duration(conf.Retention.Metadata), Body: time.Duration(conf.Retention.Body),
			MaxSize: int64(conf.Retention.MaxSize),
		},
		MinFree: uint64(conf.Data.MinFree), //nolint:gosec // the configuration is valid
		// The front door bounds a webhook as it is posted; the store its encoding, which is a little larger.
		MaxWebhook: badgerstore.LargestPayload,
		Log:        set.Log,
	})
	if err != nil {
		return err
	}
	if g.store = disk; set.Store != nil {
		g.store = set.Store(disk)
	}
	secret, err := laneSecret(conf.Data.Dir)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	registry.MustRegister(storeMetrics(disk)...)

	if g.rules.now.Load().credentials, err = g.credentials(conf, nil); err != nil {
		return err
	}
	ways, err := egressRules(conf, g.listener, g.adminListener)
	if err != nil {
		return err
	}
	g.notices = newNotices(conf.Notices, g.log, registry)
	g.client = egress.New(egress.Settings{Rules: ways, UserAgent: "Sluice/" + set.Version, Dial: set.Dial, Resolver: set.Resolver})
	g.keys = &signingKeys{store: g.store, log: g.log}
	signing := &signing{
		gone:  func(id string) bool { return g.room.Gone(id) },
		rules: &g.rules, keys: g.keys, notices: g.notices, log: g.log,
		secrets: func(id string, now time.Time) ([]string, error) { return g.room.Secrets(id, now) },
	}
	g.flows = newFlowCap(func() int { return g.rules.now.Load().maxFlows })
	g.dispatcher = dispatch.New(dispatch.Settings{
		Sign:  signing.sign,
		Store: g.store, Member: persist.Member(ulid.Make().String()), Client: g.client,
		Credentials: named{&g.rules},
		Schedule: schedule.Settings{
			MaxInFlight: conf.Egress.MaxInFlight, Budget: g.rules.newBudget, Breaker: g.rules.newBreaker,
			Flow: g.flowRule, Tenant: g.rules.tenant, Floor: conf.Priorities.Floor,
		},
		Policies: g.rules.policies, Drain: max(time.Duration(conf.Shutdown.Timeout), time.Millisecond),
		Log: set.Log, Metrics: registry,
		HostLabel: g.rules.hostLabel, ShowURL: g.rules.showURL, Override: g.rules.override, Fails: g.rules.fails,
		Attempted: g.attempted, Restored: g.restored, WhyCancelled: g.whyCancelled, FlowWaits: g.flows.heard,
	})
	g.room = g.newRoom(secret)
	g.notices.look, g.notices.accept = g.dispatcher.Ask, g.store.Enqueue
	g.notices.address = (&webhook.Defaults{LaneBy: g.rules.laneBy, Secret: secret}).Address
	if err := g.room.Load(context.Background()); err != nil {
		return err
	}
	if g.jobs, err = openJobs(filepath.Join(conf.Data.Dir, "jobs"), g.log); err != nil {
		return err
	}
	repeated := &copies{orphaned: signing.orphaned}
	again := replays{g.store, g.jobs, repeated}
	wiping := erasures{g.store, g.dispatcher, g.jobs, repeated}
	g.jobs.kinds[replayKind], g.jobs.kinds[erasureKind] = again.run, wiping.run
	g.front = front.New(front.Settings{
		Store: g.store, Hosts: hosts{g.dispatcher, signing.unsigned, conf.Holds, g.log}, Jobs: g.jobs, Logbook: logbook{g.store, g.dispatcher}, Policies: g.rules.policies,
		FlowCap: g.flows, Forward: g.forward, Tunnel: g.tunnel,
		Credentials: named{&g.rules},
		Await:       g.await, Try: g.try, KeySet: g.keys.set,
		Flows:  newFlows(hosts{g.dispatcher, signing.unsigned, conf.Holds, g.log}, g.jobs, g.store.LastID),
		Tokens: g.rules.tokens, LaneBy: g.rules.laneBy, Priority: g.rules.priority,
		Repairs: repairs{g.store, g.dispatcher, repeated, g.log}, Replays: again, Erasures: wiping,
		Subscriptions: subscriptions{g.room, g.dispatcher},
		Destination:   g.mayCall, ShowURL: g.rules.showURL, Secret: secret, MaxWebhook: int(conf.Data.MaxWebhook),
		Names: conf.Names, Log: set.Log, AccessLog: conf.Log.Access, MaxConns: conf.Connections.Max, NoDate: set.Listener != nil,
		ReadTimeout: time.Duration(conf.Connections.ReadTimeout), IdleTimeout: time.Duration(conf.Connections.IdleTimeout),
	})
	g.admin = adminServer(g, registry)
	return nil
}

func (g *Gateway) listen() (err error) {
	if g.listener == nil {
		if g.listener, err = net.Listen("tcp", g.set.Config.Listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	if g.adminListener == nil {
		if g.adminListener, err = net.Listen("tcp", g.set.Config.Admin); err != nil {
			return fmt.Errorf("admin: %w", err)
		}
	}
	return nil
}

// Run serves until ctx ends, then stops accepting, lets what is under way finish within the shutdown timeout, and
// closes the store. Whatever was accepted and not settled is sent after the next start.
func (g *Gateway) Run(ctx context.Context) error {
	began := time.Now()
	if err := g.dispatcher.Restore(ctx); err != nil {
		return errors.Join(fmt.Errorf("starting: %w", err), g.close())
	}
	faults := make(chan error, 2)
	go func() { faults <- g.serveAdmin() }()
	go func() { faults <- g.front.Serve(g.door()) }()

	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	sent := make(chan error, 1)
	go func() { sent <- g.dispatcher.Run(sending) }()

	counting, stopCounting := context.WithCancel(context.WithoutCancel(ctx))
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		var telling sync.WaitGroup
		telling.Go(func() { g.notices.run(counting) })
		g.room.Run(counting)
		telling.Wait()
	}()

	g.jobs.resume()
	g.ready.Store(true)
	g.log.Info().Stringer("listen", g.listener.Addr()).Stringer("admin", g.adminListener.Addr()).
		Str("data", g.set.Config.Data.Dir).Str("version", g.set.Version).Dur("start_ms", time.Since(began)).
		Msg("serving")
	g.warnOfDoors()

	var fault error
	select {
	case <-ctx.Done():
	case fault = <-faults:
	}
	g.ready.Store(false)
	g.log.Info().Msg("stopping: what is under way may finish")
	shut, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(g.set.Config.Shutdown.Timeout))
	defer cancel()
	g.jobs.close()
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
		g.jobs.close()
	}
	if g.client != nil {
		g.client.Close()
	}
	if g.store != nil {
		errs = append(errs, g.store.Close())
	}
	return errors.Join(errs...)
}
