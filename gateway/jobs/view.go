package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// Jobs lists jobs, the latest first: those of one tenant, of all where it is empty.
func (j *Runner) Jobs(_ context.Context, tenant string) ([]front.JobView, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	views := make([]front.JobView, 0, len(j.all))
	for _, t := range slices.Backward(j.all) {
		if tenant == "" || t.rec.Tenant == tenant {
			views = append(views, t.view())
		}
	}
	return views, nil
}

// Job returns one job; nil: there is none of that id.
func (j *Runner) Job(_ context.Context, id string) (*front.JobView, error) {
	t := j.find(id)
	if t == nil {
		return nil, nil //nolint:nilnil // what front.Jobs says of an unknown job
	}
	return j.viewOf(t), nil
}

// endTimeout bounds how long who cancels a job waits for its end: its work looks for that between two steps.
const endTimeout = 10 * time.Second

// Cancel has a job end where it is, and returns it when it has. What it did stays done.
func (j *Runner) Cancel(ctx context.Context, id string) (*front.JobView, error) {
	t := j.find(id)
	if t == nil {
		return nil, nil //nolint:nilnil // what front.Jobs says of an unknown job
	}
	select {
	case <-t.ended:
		if j.viewOf(t).FinishedAt.IsZero() {
			return nil, front.ErrStopping // interrupted
		}
		return nil, front.ErrJobOver
	default:
	}
	t.cancel(errJobCancelled)
	ctx, stop := context.WithTimeout(ctx, endTimeout)
	defer stop()
	select {
	case <-t.ended:
		return j.viewOf(t), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for job %s to end: %w", id, ctx.Err())
	}
}

func (j *Runner) find(id string) *Task {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.all {
		if t.rec.ID == id {
			return t
		}
	}
	return nil
}

func (j *Runner) viewOf(t *Task) *front.JobView {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := t.view()
	return &v
}

// view is the job as it stands. Called with Runner.mu held.
func (t *Task) view() front.JobView {
	v := t.rec.view()
	if flow := t.runner.kinds[t.rec.Kind].Flow; flow != nil {
		v.Flow = flow(t.rec.Spec)
	}
	if v.State == front.JobRunning && !t.works {
		v.State = front.JobWaiting
	}
	return v
}
