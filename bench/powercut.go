package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

type powercutCmd struct {
	FS          []string `name:"fs" default:"ext4,xfs" help:"File systems (${default}); there must be a mkfs for each."`
	Rounds      int      `default:"8" help:"Power cuts on each (${default})."`
	Connections int      `default:"32" help:"Client connections (${default})."`
	Sluice      string   `placeholder:"FILE" help:"Cut the power of this binary instead of the one that is built of the source."`
}

// How long a gateway is under load before the power is cut, and how long it is still asked to accept after it: it must
// bear that too.
const (
	loadedFor = 2 * time.Second // at most
	cutFor    = 200 * time.Millisecond
)

// Run posts to a gateway whose data is on a file system of its own, and cuts that off in the middle of it: what was
// not synced is gone. After each cut the gateway starts again on what is left. It fails when a webhook that got its 202
// before a cut is missing, was told to be delivered and never arrived, or lost its idempotency key. It needs Linux and
// root.
func (c *powercutCmd) Run(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("powercut mounts file systems: run it as root")
	}
	dir, err := os.MkdirTemp("", "sluice-powercut-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory; what is mounted in it was unmounted, or stays
	sluice := c.Sluice
	if sluice == "" {
		if sluice, err = buildSluice(ctx, dir); err != nil {
			return err
		}
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "file system\tpower cuts\taccepted\tmissing\tnot delivered\tkeys lost\tanswered after the cut\tlost of these\t")
	lost := 0
	for _, fs := range c.FS {
		k, err := c.suffer(ctx, sluice, filepath.Join(dir, fs), fs)
		if err != nil {
			return fmt.Errorf("%s: %w", fs, err)
		}
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", fs, c.Rounds, k.accepted, k.missing, k.undelivered, k.keys,
			k.late, k.lateLost)
		lost += k.missing + k.undelivered + k.keys
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if lost > 0 {
		return fmt.Errorf("%d promises were not kept", lost)
	}
	return nil
}

// kept is what became of a gateway's promises. late were made when the power was being cut already, and lateLost of them
// not kept: a machine would have been off by then. Ext4 tells one sync that is under way just then that all is well.
type kept struct{ accepted, missing, undelivered, keys, late, lateLost int }

// add counts what became of one more promise.
func (k *kept) add(one kept, late bool) {
	k.accepted++
	if late {
		k.late++
		k.lateLost += one.missing + one.undelivered + one.keys
		return
	}
	k.missing += one.missing
	k.undelivered += one.undelivered
	k.keys += one.keys
}

// suffer runs all rounds on one file system.
func (c *powercutCmd) suffer(ctx context.Context, sluice, dir, fs string) (k kept, err error) {
	d, err := newDisk(ctx, dir, fs)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, d.unmount()) }()
	there, err := newDestinations()
	if err != nil {
		return k, err
	}
	defer there.close()
	l := &load{there: there, connections: c.Connections}
	conf, err := l.configure(dir, d.mountpoint)
	if err != nil {
		return k, err
	}
	for l.round = range c.Rounds {
		if err := c.cut(ctx, sluice, conf, d, l); err != nil {
			return k, fmt.Errorf("round %d: %w", l.round+1, err)
		}
		fmt.Fprintf(os.Stderr, "%s, power cut %d: %d accepted until now\n", fs, l.round+1, len(l.accepted))
	}
	p, err := start(ctx, l.front, sluice, "serve", "--config", conf)
	if err != nil {
		return k, err
	}
	k, err = l.check(ctx, l.accepted)
	return k, errors.Join(err, p.stop())
}

// cut is one round: the gateway starts on what the last one left, works, and loses its disk.
func (c *powercutCmd) cut(ctx context.Context, sluice, conf string, d *disk, l *load) error {
	p, err := start(ctx, l.front, sluice, "serve", "--config", conf)
	if err != nil {
		return err
	}
	stop := l.start(ctx)
	err = l.underWay(ctx)
	time.Sleep(rand.N(loadedFor)) // how long it lives, not what is waited for
	l.late.Store(true)
	err = errors.Join(err, d.cut())
	time.Sleep(cutFor)
	stop()
	l.late.Store(false)
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	if err = errors.Join(err, d.unmount(), ctx.Err()); err != nil {
		return err
	}
	return d.mount(ctx)
}
