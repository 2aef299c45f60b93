package front

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/valyala/fasthttp"
)

// Jobs is what the front door asks of whoever runs what takes longer than a request.
type Jobs interface {
	// Jobs lists jobs, the latest first: those of one tenant, of all where it is empty.
	Jobs(ctx context.Context, tenant string) ([]JobView, error)
	// Job returns one job; nil: there is none of that id.
	Job(ctx context.Context, id string) (*JobView, error)
	// Cancel has a job end where it is, and returns it when it has; nil: there is none of that id. ErrJobOver: it had ended.
	Cancel(ctx context.Context, id string) (*JobView, error)
}

// Errors about jobs that clients are told of.
var (
	// ErrJobOver: a job that has ended cannot be cancelled.
	ErrJobOver = errors.New("the job has ended")
	// ErrJobConflict: the idempotency key stands for another job.
	ErrJobConflict = errors.New("the idempotency key is known for another job")
)

// TooManyJobsError says that no more jobs may be begun before some have ended.
type TooManyJobsError struct {
	Tenant string // whose they are; empty: everybody's
	Most   int    // that may not have ended
}

// Error says which bound it is.
func (e *TooManyJobsError) Error() string {
	whose := "of all tenants, or of operators,"
	if e.Tenant != "" {
		whose = "of tenant " + e.Tenant
	}
	return fmt.Sprintf("%d jobs %s have not ended yet, the most there may be", e.Most, whose)
}

// The states of a job.
const (
	JobWaiting   = "waiting" // for others to end
	JobRunning   = "running"
	JobDone      = "done"
	JobCancelled = "cancelled"
	JobFailed    = "failed"
)

// JobView is a job as the API shows it.
type JobView struct {
	ID         string  `json:"id"`
	Kind       string  `json:"kind"`
	State      string  `json:"state"`  // waiting, running, done, cancelled or failed
	Tenant     string  `json:"tenant"` // empty: it is about all of them
	Flow       string  `json:"flow,omitempty"`
	Total      *int64  `json:"total"` // null: not known
	Done       int64   `json:"done"`
	Skipped    int64   `json:"skipped,omitempty"` // of done: they could not be, as their payload, or what signs them, is gone
	CreatedAt  Instant `json:"created_at"`
	FinishedAt Instant `json:"finished_at"` // null: it runs
	Error      string  `json:"error,omitempty"`
}

// jobs answers GET /v1/jobs.
func (f *Front) jobs(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	views, err := f.set.Jobs.Jobs(f.work, "")
	if err != nil {
		f.failed(ctx, err, "listing jobs failed")
		return
	}
	views = slices.DeleteFunc(views, func(v JobView) bool { return !by.seesJob(&v) })
	write(ctx, struct {
		Jobs []JobView `json:"jobs"`
	}{views})
}

// job answers GET /v1/jobs/{id}.
func (f *Front) job(ctx *fasthttp.RequestCtx, by *principal, id string) {
	if view := f.seenJob(ctx, by, id); view != nil {
		write(ctx, view)
	}
}

// cancelJob answers DELETE /v1/jobs/{id}.
func (f *Front) cancelJob(ctx *fasthttp.RequestCtx, by *principal, id string) {
	if f.seenJob(ctx, by, id) == nil {
		return
	}
	view, err := f.set.Jobs.Cancel(f.work, id)
	switch {
	case err != nil:
		f.jobFailed(ctx, err, "cancelling a job failed")
	case view == nil:
		answer(ctx, noJobProblem(id))
	default:
		write(ctx, view)
	}
}

// seenJob returns a job that may be shown; when there is none, it answers, and returns nil.
func (f *Front) seenJob(ctx *fasthttp.RequestCtx, by *principal, id string) *JobView {
	view, err := f.set.Jobs.Job(f.work, id)
	switch {
	case err != nil:
		f.jobFailed(ctx, err, "showing a job failed")
	case view == nil || !by.seesJob(view):
		answer(ctx, noJobProblem(id))
	default:
		return view
	}
	return nil
}

// seesJob reports whether a job may be shown to the principal: what is of a part of a tenant only where it is about a flow, and
// the principal is in that on every host.
func (p *principal) seesJob(v *JobView) bool {
	return p.SeesTenant(v.Tenant) && (!p.partial() || v.Flow != "" && p.host == nil && p.InFlow(v.Flow))
}

func noJobProblem(id string) *problem {
	return notFoundProblem(fmt.Sprintf("No job has the id %.100q: want one as in "+jobsPath, id))
}

// begun answers a request that began a job: it is to be looked at where Location says.
func begun(ctx *fasthttp.RequestCtx, view *JobView) {
	write(ctx, view)
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	ctx.Response.Header.Set("Location", jobsPath+"/"+view.ID)
}

// jobFailed answers when a job could not be begun, looked at or cancelled.
func (f *Front) jobFailed(ctx *fasthttp.RequestCtx, err error, what string) {
	var most *TooManyJobsError
	switch {
	case errors.Is(err, ErrJobOver):
		answer(ctx, newProblem(409, "job-over", "The job has ended", "What it did stays done: want a job whose state is running or waiting"))
	case errors.Is(err, ErrJobConflict):
		answer(ctx, conflictProblem())
	case errors.As(err, &most):
		p := newProblem(429, "too-many-jobs", "Too many jobs have not ended yet",
			"Nothing was begun: "+most.Error()+": want it again when some have ended")
		p.retryAfter = busyRetryAfter
		answer(ctx, p)
	default:
		f.failed(ctx, err, what)
	}
}
