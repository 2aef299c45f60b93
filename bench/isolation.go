package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/valyala/fasthttp"
)

type isolationCmd struct {
	Healthy int           `default:"1000" help:"Healthy hosts (${default})."`
	Bad     int           `default:"100" help:"Bad hosts, of four kinds (${default})."`
	Backlog int           `default:"2000" help:"Webhooks that wait for each bad host (${default})."`
	Rate    int           `default:"500" help:"Webhooks a second to healthy hosts in all (${default})."`
	For     time.Duration `default:"15s" help:"How long each run measures (${default})."`
	Pairs   int           `default:"5" help:"Runs with and without bad hosts, one after the other (${default})."`
}

// Run measures how long webhooks to healthy hosts take, from being posted to arriving, with and without bad hosts beside
// them: black holes, hosts that take 10 s to answer, hosts that answer 500, hosts that allow one call a second.
func (c *isolationCmd) Run(ctx context.Context) error {
	dir, sluice, err := prepare(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	crowd, err := newCrowd()
	if err != nil {
		return err
	}
	defer crowd.close()
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "pair\tp50 without\tp50 with\tp99 without\tp99 with\tbar\tlost\t")
	var without, with []float64
	lost := 0
	for pair := range c.Pairs {
		var delays [2][]time.Duration
		for bad := range 2 {
			r, err := c.measure(ctx, crowd, sluice, filepath.Join(dir, fmt.Sprintf("%d-%d", pair, bad)), bad == 1)
			if err != nil {
				return err
			}
			delays[bad] = r.arrived
			lost += r.lost
			fmt.Fprintf(os.Stderr, "pair %d, bad hosts %t: p99 %s, until accepted %s\n",
				pair+1, bad == 1, part(r.arrived, 0.99), part(r.accepted, 0.99))
		}
		a, b := part(delays[0], 0.99), part(delays[1], 0.99)
		without, with = append(without, a.Seconds()), append(with, b.Seconds())
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t\n", pair+1, part(delays[0], 0.5), part(delays[1], 0.5), a, b, isolationBar(a), lost)
	}
	a, b := toDuration(median(without)), toDuration(median(with))
	fmt.Fprintf(out, "median\t\t\t%s\t%s\t%s\t%d\t\n", a, b, isolationBar(a), lost)
	if err := out.Flush(); err != nil {
		return err
	}
	if b > isolationBar(a) || lost > 0 {
		return errors.New("bad hosts cost healthy ones their time")
	}
	return nil
}

// isolationBar is the most that a p99 may be with bad hosts beside: 1.2 times what it is without, or 2 ms more.
func isolationBar(without time.Duration) time.Duration {
	return max(without*6/5, without+2*time.Millisecond).Round(10 * time.Microsecond)
}

func toDuration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(10 * time.Microsecond)
}

// isolated is what was seen of one gateway's webhooks to healthy hosts: how long they took from being posted until they
// arrived and until they were accepted; and how many of all were lost.
type isolated struct {
	arrived, accepted []time.Duration
	lost              int
}

// measure runs one gateway.
func (c *isolationCmd) measure(ctx context.Context, crowd *crowd, sluice, dir string, bad bool) (r isolated, err error) {
	g, err := serveGateway(ctx, sluice, dir, "")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	defer g.kill()
	var ids []string
	if bad {
		ids, err = g.postAll(ctx, c.Bad*c.Backlog, func(i int) definition {
			return definition{URL: crowd.bad(i % c.Bad), Flow: "bad", Body: "x"}
		})
		if err != nil {
			return r, err
		}
		select { // until those hosts have all the calls that they will get
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
	sent, accepted, err := c.post(ctx, g, crowd)
	if err != nil {
		return r, err
	}
	arrived := crowd.arrivals(ctx, len(sent), 20*time.Second)
	for n, at := range sent {
		r.accepted = append(r.accepted, accepted[n].Sub(at))
		if got, ok := arrived[n]; ok {
			r.arrived = append(r.arrived, got.Sub(at))
		} else {
			r.lost++
		}
	}
	missing, err := g.missing(ids, 500)
	r.lost += missing
	return r, err
}

// post posts webhooks to the healthy hosts in turn, at the rate, and returns when each was posted and when it was accepted.
func (c *isolationCmd) post(ctx context.Context, g *running, crowd *crowd) (sent, accepted []time.Time, err error) {
	crowd.reset()
	count := int(c.For.Seconds() * float64(c.Rate))
	sent, accepted = make([]time.Time, count), make([]time.Time, count)
	var mu sync.Mutex
	var wg sync.WaitGroup
	client := &fasthttp.Client{MaxConnsPerHost: 8192}
	defer client.CloseIdleConnections()
	begin := time.Now()
	for n := range count {
		at := begin.Add(time.Duration(n) * time.Second / time.Duration(c.Rate))
		select {
		case <-time.After(time.Until(at)):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		wg.Go(func() {
			body, fault := json.Marshal(definition{
				URL: crowd.healthy(n % c.Healthy), Flow: "healthy", Headers: map[string]string{"X-N": strconv.Itoa(n)}, Body: "x",
			})
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			defer fasthttp.ReleaseRequest(req)
			defer fasthttp.ReleaseResponse(resp)
			req.SetRequestURI("http://" + g.front + "/v1/webhooks")
			req.Header.SetMethod(fasthttp.MethodPost)
			req.Header.SetContentType("application/json")
			req.SetBodyRaw(body)
			sent[n] = time.Now()
			if fault == nil {
				fault = client.Do(req, resp)
				accepted[n] = time.Now()
			}
			if fault == nil && resp.StatusCode() != fasthttp.StatusAccepted {
				fault = fmt.Errorf("answered %d: %s", resp.StatusCode(), resp.Body())
			}
			mu.Lock()
			err = errors.Join(err, fault)
			mu.Unlock()
		})
	}
	wg.Wait()
	return sent, accepted, err
}
