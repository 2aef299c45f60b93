package gateway

import (
	"context"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/jobs"
	"github.com/sluice-gateway/sluice/gateway/notice"
	"github.com/sluice-gateway/sluice/gateway/operate"
	"github.com/sluice-gateway/sluice/gateway/rules"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/gateway/signer"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/badgerstore"
)

// open opens and wires the rooms, each after those that it needs. Two that need each other, as the store, which hands what
// it committed to the dispatcher, and the dispatcher, which settles in the store, meet through g: the one that is made
// first gets a function that looks the other up there when it is called. None is called before all are made: nothing is
// accepted or sent until Run. What open opened before it failed is for close.
func (g *Gateway) open() (err error) {
	conf := &g.set.Config
	if g.certificate, err = openCertificate(conf.TLS, g.log); err != nil {
		return err
	}
	if err = g.fitFiles(); err != nil {
		return err
	}
	if err = g.listen(); err != nil {
		return err
	}
	signers, faults := readSigners(conf)
	if len(faults) > 0 {
		return faults
	}
	files := rules.Read{Signers: signers}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err = g.openStore(registry); err != nil {
		return err
	}
	secret, err := laneSecret(conf.Data.Dir)
	if err != nil {
		return err
	}
	if files.Credentials, err = g.credentials(conf, nil); err != nil {
		return err
	}
	g.rules.Put(rules.New(conf, files, nil))
	reach, ways, err := egressRules(conf, g.listener, g.adminListener)
	if err != nil {
		return err
	}
	g.ways = ways
	g.client = egress.New(egress.Settings{
		Rules: reach, UserAgent: "Sluice/" + g.set.Version, MaxOpen: g.places.calls + g.places.kept,
		Dial: g.set.Dial, Resolver: g.set.Resolver,
	})
	g.notices = g.newNotices(registry, secret)
	g.keys = signer.NewKeys(g.store, g.log)
	signing := g.newSigner()
	g.flows = front.NewFlowCap(g.rules.MaxFlows)
	g.dispatcher = g.newDispatcher(signing, registry)
	g.sending.Store(g.dispatcher)
	g.room = g.newRoom(secret)
	if err = g.room.Load(context.Background()); err != nil {
		return err
	}
	if g.jobs, err = jobs.Open(filepath.Join(conf.Data.Dir, "jobs"), g.log); err != nil {
		return err
	}
	g.front = g.newFront(signing, registry, secret)
	g.admin = adminServer(g, registry)
	return nil
}

// openStore opens the data directory.
func (g *Gateway) openStore(registry *prometheus.Registry) error {
	conf := &g.set.Config
	key, err := dataKey(conf)
	if err != nil {
		return err
	}
	disk, err := badgerstore.Open(conf.Data.Dir, badgerstore.Options{
		Key: key, NoCompaction: g.set.NoCompaction, DespiteLoss: g.set.DespiteLoss,
		Committed: func(deposits []persist.Committed) { g.dispatcher.Committed(deposits) },
		Failed:    func(err error) { g.faults <- err },
		Retention: badgerstore.Retention{
			Metadata: time.Duration(conf.Retention.Metadata), Body: time.Duration(conf.Retention.Body),
			MaxSize: int64(conf.Retention.MaxSize),
		},
		Ahead: func() time.Duration {
			if d := g.sending.Load(); d != nil {
				return d.Ahead()
			}
			return 0
		},
		MinFree: uint64(conf.Data.MinFree), //nolint:gosec // the configuration is valid
		// The front door bounds a webhook as it is posted; the store its encoding, which is a little larger.
		MaxWebhook: badgerstore.LargestPayload,
		Log:        g.log,
	})
	if err != nil {
		return err
	}
	registry.MustRegister(storeMetrics(disk)...)
	g.accepting = disk.Accepting
	if g.store = disk; g.set.Store != nil {
		g.store = g.set.Store(disk)
	}
	return nil
}

func (g *Gateway) newNotices(registry *prometheus.Registry, secret [32]byte) *notice.Teller {
	conf := &g.set.Config.Notices
	address := webhook.Defaults{LaneBy: g.rules.LaneBy, Secret: secret}
	return notice.New(notice.Settings{
		URL: conf.URL, Errors: conf.Errors,
		BreakerOpen: time.Duration(conf.BreakerOpen), OldestWaiting: time.Duration(conf.OldestWaiting),
		Look: func(ctx context.Context, ask func(*schedule.Schedule, time.Time)) error {
			return g.dispatcher.Ask(ctx, ask)
		},
		Accept: g.store.Enqueue, Address: address.Address, Log: g.log, Metrics: registry,
	})
}

func (g *Gateway) newSigner() *signer.Signer {
	return signer.New(signer.Settings{
		Policies: g.rules.Policies, Files: g.rules.Signer, Keys: g.keys,
		Secrets: func(id string, now time.Time) ([]string, error) { return g.room.Secrets(id, now) },
		Gone:    func(id string) bool { return g.room.Gone(id) },
		Failed:  g.notices.Unsigned, Log: g.log,
	})
}

func (g *Gateway) newDispatcher(signing *signer.Signer, registry *prometheus.Registry) *dispatch.Dispatcher {
	conf := &g.set.Config
	spares := rules.NewSpares(&g.rules)
	return dispatch.New(dispatch.Settings{
		Sign:  signing.Sign,
		Store: g.store, Member: persist.Member(ulid.Make().String()), Client: g.client,
		Credentials: named{&g.rules},
		Schedule: schedule.Settings{
			MaxInFlight: g.places.calls, Budget: spares.NewBudget, Breaker: spares.NewBreaker,
			SpareBudget: spares.SpareBudget, SpareBreaker: spares.SpareBreaker,
			Flow: g.flowRule, Tenant: g.rules.Tenant, Floor: conf.Priorities.Floor,
		},
		Slept: slept, Policies: g.rules.Policies, Drain: max(time.Duration(conf.Shutdown.Timeout), time.Millisecond),
		Alarm: g.set.Alarm, Log: g.log, Metrics: registry,
		HostLabel: g.rules.HostLabel, ShowURL: g.rules.ShowURL, Override: g.rules.Override, Fails: g.rules.Fails,
		Attempted: g.attempted, Restored: g.restored, WhyCancelled: g.whyCancelled,
		FlowWaits: func(w *schedule.FlowWaits) { g.flows.Heard(&w.Lane, w.Flow.Tenant, w.Flow.Flow, w.Waits) },
	})
}

// newFront returns the front door, and the operator's hand behind it. Secret keys the digests in lanes.
func (g *Gateway) newFront(signing *signer.Signer, registry *prometheus.Registry, secret [32]byte) *front.Front {
	conf := &g.set.Config
	hand := operate.New(operate.Settings{
		Store: g.store, Dispatcher: g.dispatcher, Jobs: g.jobs, MostHeld: operate.MostHeld(conf.Holds),
		Unsigned: signing.Unsigned, Orphaned: signing.Orphaned, Log: g.log,
	})
	return front.New(front.Settings{
		Store: g.store, Jobs: g.jobs, FlowCap: g.flows,
		Why: hand.Why, Hosts: hand.Hosts, Flows: hand.Flows, Logbook: hand.Logbook,
		Repairs: hand.Repairs, Replays: hand.Replays, Erasures: hand.Erasures,
		Subscriptions: subscriptions{g.room, g.dispatcher},
		Forward:       g.forward, Tunnel: g.tunnel, Await: g.await, Try: g.try, KeySet: g.keys.Set,
		Policies: g.rules.Policies, Credentials: named{&g.rules}, Tokens: g.rules.Tokens,
		LaneBy: g.rules.LaneBy, Priority: g.rules.Priority, Destination: g.mayCall, ShowURL: g.rules.ShowURL,
		Secret: secret, MaxWebhook: int(conf.Data.MaxWebhook), Names: conf.Names,
		MaxConns: g.places.connections, ReadTimeout: time.Duration(conf.Connections.ReadTimeout),
		IdleTimeout: time.Duration(conf.Connections.IdleTimeout),
		Metrics:     registry, Log: g.log, AccessLog: conf.Log.Access, NoDate: g.set.Listener != nil,
	})
}
