package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/rules"
	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// ErrNoFile is Reload's answer where Settings have no Reload.
var ErrNoFile = errors.New("there is no configuration file to reload: want a gateway started with --config FILE")

// Reloaded is what a reload changed, as configs.Changed names it. Neither list is nil.
type Reloaded struct {
	Applied      []string `json:"applied"`       // in force now
	NeedsRestart []string `json:"needs_restart"` // differ from what is in force, and will until the next start
}

// Reload reads the configuration anew, and the front door's certificate, and puts tokens, credentials, limits, flows,
// policies, breaker, egress but for max_in_flight, and log level in force, all at once, between two decisions of the
// dispatcher; what lanes and hosts learned is kept. A configuration with any fault, or one of the files that it names, is
// refused whole, and then, as with every error, what was in force stays: configs.Faults, ErrNoFile, dispatch.ErrStopping,
// or ctx's.
//
// It logs what came of it, whoever asked. It may be called from many goroutines; one reload follows the other. It takes
// reloadTimeout at most: what a file system that does not answer holds up is not put in force later.
func (g *Gateway) Reload(ctx context.Context) (*Reloaded, error) {
	done, err := g.reloadInTime(ctx)
	var faults configs.Faults
	switch {
	case errors.As(err, &faults):
		lines := make([]string, len(faults))
		for i, f := range faults {
			lines[i] = f.String()
		}
		g.log.Error().Strs("faults", lines).Msg("the configuration was not reloaded; what was in force stays")
	case err != nil:
		g.log.Error().Err(err).Msg("the configuration was not reloaded; what was in force stays")
	case len(done.NeedsRestart) > 0:
		g.log.Warn().Strs("applied", done.Applied).Strs("needs_restart", done.NeedsRestart).
			Msg("configuration reloaded; some of it waits for a restart")
	default:
		g.log.Info().Strs("applied", done.Applied).Msg("configuration reloaded")
	}
	return done, err
}

// reloadTimeout bounds how long a reload may take to be in force: to read the files, and for the dispatcher to take it between two
// decisions.
const reloadTimeout = 10 * time.Second

// reloadInTime is reload, or its failure where that takes too long.
func (g *Gateway) reloadInTime(ctx context.Context) (*Reloaded, error) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	type outcome struct {
		done *Reloaded
		err  error
	}
	ended := make(chan outcome, 1)
	go func() {
		done, err := g.reload(ctx)
		ended <- outcome{done, err}
	}()
	select {
	case o := <-ended:
		return o.done, o.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, fmt.Errorf("reloading: %w", ctx.Err())
		}
		return nil, fmt.Errorf("the configuration, or a file that it names, was not read within %s: does its file system answer?", reloadTimeout)
	}
}

func (g *Gateway) reload(ctx context.Context) (*Reloaded, error) {
	if g.set.Reload == nil {
		return nil, ErrNoFile
	}
	g.reloading.Lock()
	defer g.reloading.Unlock()
	read, err := g.set.Reload()
	if err != nil {
		return nil, err
	}
	next := g.reloaded(&read)
	// What is read is valid, and beside what stays it must be too: a door that is open to others needs its tokens until
	// a restart has closed it.
	if err := next.Validate(); err != nil {
		return nil, err
	}
	// Without a token everybody is let in. Who revokes the only one, or whose file lost its end, does not mean that.
	if len(next.Tokens) == 0 && len(g.conf.Tokens) > 0 {
		return nil, configs.Faults{{
			Path: "tokens", Problem: "are all gone, and without one everybody who reaches the front door may do everything",
			Want: "one that stays or takes their place, or a restart without any",
		}}
	}
	reach, ways, err := egressRules(&next, g.listener, g.adminListener)
	if err != nil {
		return nil, err
	}
	was := g.rules.Now()
	var files rules.Read
	if files.Credentials, err = g.credentials(&next, was.Credentials()); err != nil {
		return nil, err
	}
	signers, faults := readSigners(&next)
	if len(faults) > 0 {
		return nil, faults
	}
	files.Signers = signers
	is := rules.New(&next, files, was)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if g.certificate != nil {
		if err := g.certificate.reload(ctx); err != nil {
			return nil, err
		}
	}
	changed := configs.Changed(&g.conf, &next)
	limits := within(changed, "limits") || within(changed, "breaker")
	otherWays := within(changed, "egress") || !slices.EqualFunc(ways, g.ways, (*egress.Way).Same)
	closeKept := func() {}
	err = g.dispatcher.Do(ctx, func(s *schedule.Schedule, now time.Time) {
		g.rules.Put(is)
		if otherWays { // else connections are kept
			closeKept = g.client.Reconfigure(reach)
		}
		if limits {
			s.Reconfigure(now, is.ChangedBudgets(was), func(host string) (circuit.Config, bool) { return is.ChangedBreaker(host, was) })
		}
		s.ReconfigureFlows(now, next.Priorities.Floor)
	})
	if err != nil {
		return nil, fmt.Errorf("reloading: %w", err)
	}
	closeKept()
	done := &Reloaded{
		Applied:      append([]string{}, changed...),
		NeedsRestart: append([]string{}, configs.Changed(&next, &read)...),
	}
	if next.Log.Level != g.conf.Log.Level {
		g.set.SetLogLevel(next.Log.Level)
	}
	g.conf, g.ways = next, ways
	return done, nil
}

// reloaded is the configuration in force with all that a reload changes of it, as it was read; the rest waits for a restart.
func (g *Gateway) reloaded(read *configs.Config) configs.Config {
	next := g.conf
	next.Tokens, next.Credentials, next.Policies = read.Tokens, read.Credentials, read.Policies
	next.Limits, next.Breaker, next.Egress = read.Limits, read.Breaker, read.Egress
	next.Flows, next.Tenants, next.Priorities = read.Flows, read.Tenants, read.Priorities
	next.Egress.MaxInFlight = g.conf.Egress.MaxInFlight // how many places there are is settled at the start
	if g.set.SetLogLevel != nil {
		next.Log.Level = read.Log.Level
	}
	return next
}

// within reports whether one of the paths of what changed is of a section of the file.
func within(changed []string, section string) bool {
	return slices.ContainsFunc(changed, func(path string) bool {
		return path == section || strings.HasPrefix(path, section+".")
	})
}
