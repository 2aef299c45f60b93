package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// Paced is what a plain sender got from the same kind of destination at the same time, one that was told the rule and
// does nothing but keep to it. It tells a rule that is not what the destination does, and a machine too busy to be
// punctual, from a gateway that could do better.
type Paced struct {
	Use          float64 `json:"use"`
	RefusedShare float64 `json:"refused_share"`
}

// margin is what the plain sender stays below the rule: a hundredth.
const margin = 1.01

// paced measures a destination of its own with the plain sender.
func paced(ctx context.Context, t Toolbox, d *Destination, duration time.Duration) (_ *Paced, err error) {
	dir, err := os.MkdirTemp("", "sluice-real-")
	if err != nil {
		return nil, err
	}
	r := rig{dir: dir, log: filepath.Join(dir, "answers.log"), client: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: max(d.Rule.Limit, 1),
	}}}
	defer func() { err = errors.Join(err, r.close()) }()
	addr, err := loopback.FreeAddr()
	if err != nil {
		return nil, err
	}
	if r.processes, err = d.start(ctx, t, place{addr: addr, dir: dir, log: r.log}); err != nil {
		return nil, err
	}
	r.url = "http://" + addr + "/hook"

	length := d.Rule.Lasts(duration) + time.Second
	if d.Rule.Kind == Concurrency {
		err = r.sendAbreast(ctx, d.Rule.Limit, length)
	} else {
		err = r.sendInStep(ctx, &d.Rule, length)
	}
	if err != nil {
		return nil, fmt.Errorf("the plain sender: %w", err)
	}
	answers, err := readAnswers(r.log)
	if err != nil {
		return nil, err
	}
	result := measure(d, duration, answers)
	return &Paced{Use: result.Use, RefusedShare: result.RefusedShare}, nil
}

// sendInStep sends one call after another, each in its slot. Where the rule bears no burst at all, a slot that was
// missed is lost: the next call keeps its distance from the last one sent.
func (r *rig) sendInStep(ctx context.Context, rule *Rule, length time.Duration) error {
	gap := time.Duration(float64(time.Second) / rule.rate(0) * margin)
	strict := rule.Kind == Bucket && rule.Burst == 1
	slot := time.NewTimer(0)
	defer slot.Stop()
	end := time.Now().Add(length)
	for at := time.Now(); at.Before(end); at = at.Add(gap) {
		slot.Reset(time.Until(at))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-slot.C:
		}
		if strict {
			at = time.Now()
		}
		if err := r.send(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sendAbreast keeps n calls under way.
func (r *rig) sendAbreast(ctx context.Context, n int, length time.Duration) error {
	end := time.Now().Add(length)
	faults := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for time.Now().Before(end) && faults[i] == nil {
				faults[i] = r.send(ctx)
			}
		})
	}
	wg.Wait()
	return errors.Join(faults...)
}

// send makes one call, whatever its answer.
func (r *rig) send(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, strings.NewReader(`{"n":0}`))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
