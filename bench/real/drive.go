package real

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"
)

// Settings say how destinations are measured.
type Settings struct {
	Duration time.Duration // of each measurement, after its warm-up; above 0
	Parallel int           // destinations at once, each with a gateway of its own; at least 1
	Paced    bool          // drive each by a plain sender that knows its rule, too, see [Paced]
	Progress io.Writer     // what is going on
}

// Drive measures destinations and returns their results in the same order. A destination that could not be measured has
// a Fault; the error is ctx's, when it ended before all were measured.
func Drive(ctx context.Context, t Toolbox, destinations []Destination, s Settings) ([]Result, error) {
	results := make([]Result, len(destinations))
	slots := make(chan struct{}, s.Parallel)
	progress := &lockedWriter{to: s.Progress}
	var wg sync.WaitGroup
	for i := range destinations {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			d := &destinations[i]
			r := both(ctx, t, d, s)
			results[i] = r
			progress.line(&r)
		})
	}
	wg.Wait()
	return results, ctx.Err()
}

// both measures a destination with the gateway and, if that is asked for, another one of its kind with the plain sender
// at the same time.
func both(ctx context.Context, t Toolbox, d *Destination, s Settings) Result {
	var beside *Paced
	var fault error
	var wg sync.WaitGroup
	if s.Paced {
		wg.Go(func() { beside, fault = paced(ctx, t, d, s.Duration) })
	}
	r, err := drive(ctx, t, d, s.Duration)
	wg.Wait()
	if err = errors.Join(err, fault); err != nil {
		return failure(d, err)
	}
	r.Paced = beside
	return r
}

// tail is how long a run goes on beyond the measured time, which begins with the first call, a little after the first
// post.
const tail = 3 * time.Second

// drive measures one destination.
func drive(ctx context.Context, t Toolbox, d *Destination, duration time.Duration) (_ Result, err error) {
	r, err := assemble(ctx, t, d)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	length := d.Rule.Lasts(duration) + tail
	backlog := d.Rule.saturating(length)
	until := time.Now().Add(length)
	if _, err := r.post(ctx, backlog); err != nil {
		return Result{}, err
	}
	if err := r.watch(ctx, until); err != nil {
		return Result{}, err
	}
	learned, err := r.learned(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := r.stopGateway(); err != nil {
		return Result{}, err
	}
	answers, err := readAnswers(r.log)
	if err != nil {
		return Result{}, err
	}
	result := measure(d, duration, answers)
	result.Host = learned
	if result.WholeAccepted >= backlog {
		result.Pass = false
		result.Fault = fmt.Sprintf("the backlog of %d ran dry", backlog)
	}
	return result, nil
}

// saturating is a backlog that a sender cannot get rid of in d.
func (r Rule) saturating(d time.Duration) int {
	const reserve = 1.5 // a limiter that lets through more than its rule would be worth knowing
	return int(math.Ceil(reserve*r.WholeAllowance(d, r.Took))) + r.Limit
}

// watch waits until then and sees that both ends live.
func (r *rig) watch(ctx context.Context, until time.Time) error {
	over := time.NewTimer(time.Until(until))
	defer over.Stop()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return r.alive()
		case <-look.C:
			if err := r.alive(); err != nil {
				return err
			}
		}
	}
}

// lockedWriter takes a line at a time from several.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) line(r *Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintln(w.to, r.String())
}
