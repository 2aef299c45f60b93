package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// Bounds on what is kept of jobs; those on what runs are in jobturns.go.
const (
	maxJobsRecorded = 1000 // that have ended; the oldest are forgotten beyond it
	keepJobs        = 7 * 24 * time.Hour

	jobPrefix    = "job_"
	jobSaveEvery = time.Second
)

// errJobCancelled is the cause of a job's context when its end was asked for.
var errJobCancelled = errors.New("cancelled")

// A jobKind does the work of one kind of jobs. It returns when all is done, when ctx ends, or when it cannot go on; it may
// be run again after a restart, and then goes on from the position it noted last. What it did behind that position it
// does once more, so that must be harmless.
type jobKind func(ctx context.Context, t *task) error

// jobs runs what takes longer than a request may: each on a goroutine of its own, a few at a time (jobturns.go). A job is a
// small file of the data directory from its start to a week after its end; one that a shutdown or a crash interrupts goes
// on at the next start.
type jobs struct {
	dir   string
	log   zerolog.Logger
	kinds map[string]jobKind
	ctx   context.Context //nolint:containedctx // a job outlives the request that began it
	stop  context.CancelFunc
	runs  sync.WaitGroup

	mu     sync.Mutex
	all    []*task // as they were begun
	turns  uint64  // that were given
	closed bool
}

// task is one job.
type task struct {
	jobs   *jobs
	cancel context.CancelCauseFunc
	ended  chan struct{} // closed when its run has returned
	begins chan struct{} // closed when its turn has come; nil: it was over when it was read

	// Under jobs.mu.
	rec   jobRecord
	saved time.Time
	over  bool   // its run has returned, whatever the record says
	works bool   // its turn has come, and it has not ended
	turn  uint64 // the number of its turn; 0: it has not come
}

// openJobs reads the jobs that an earlier run left. None runs before resume.
func openJobs(dir string, log zerolog.Logger) (*jobs, error) {
	j := &jobs{dir: dir, log: log, kinds: map[string]jobKind{}}
	j.ctx, j.stop = context.WithCancel(context.Background())
	records, err := readJobs(dir, log)
	if err != nil {
		return nil, fmt.Errorf("reading the jobs in %s: %w", dir, err)
	}
	for _, rec := range records {
		j.all = append(j.all, &task{jobs: j, rec: rec, ended: make(chan struct{})})
	}
	return j, nil
}

// resume goes on with what was interrupted.
func (j *jobs) resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.all {
		switch {
		case t.cancel != nil: // begun since: the front door does not wait for this
		case t.rec.State == front.JobRunning:
			j.run(t)
		default:
			close(t.ended)
		}
	}
	j.admit()
}

// begin starts a job. The same key begins one only once: then its view is the first one's, and existing is true. With
// another fingerprint it is front.ErrJobConflict. An empty key stands for nothing.
func (j *jobs) begin(kind, tenant, key, fingerprint string, spec any) (v front.JobView, existing bool, err error) {
	b, err := json.Marshal(spec)
	if err != nil {
		return v, false, fmt.Errorf("a %s job: %w", kind, err)
	}
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return v, false, front.ErrStopping
	}
	for _, t := range j.all {
		if key != "" && t.rec.Key == key && t.rec.Tenant == tenant && now.Sub(time.UnixMilli(t.rec.CreatedAt)) < keepJobs {
			if t.rec.Fingerprint != fingerprint {
				return v, false, front.ErrJobConflict
			}
			return t.view(), true, nil
		}
	}
	if err := j.room(turnOf{tenant, kind}); err != nil {
		return v, false, err
	}
	t := &task{jobs: j, ended: make(chan struct{}), saved: now, rec: jobRecord{
		ID: jobPrefix + ulid.Make().String(), Kind: kind, State: front.JobRunning, Tenant: tenant, Key: key, Fingerprint: fingerprint,
		CreatedAt: now.UnixMilli(), Spec: b,
	}}
	if err := j.write(&t.rec); err != nil {
		return v, false, fmt.Errorf("a %s job: %w", kind, err)
	}
	j.forgetOld(now)
	j.all = append(j.all, t)
	j.log.Info().Str("job", t.rec.ID).Str("kind", kind).Str("tenant", tenant).Msg("job begun")
	j.run(t)
	j.admit()
	return t.view(), false, nil
}

// run lets a job run when its turn comes. Called with j.mu held.
func (j *jobs) run(t *task) {
	ctx, cancel := context.WithCancelCause(j.ctx)
	t.cancel, t.begins = cancel, make(chan struct{})
	j.runs.Go(func() {
		defer close(t.ended)
		defer cancel(nil)
		var err error
		select {
		case <-t.begins:
			err = j.work(ctx, t)
		case <-ctx.Done():
		}
		j.end(ctx, t, err)
	})
}

// work runs a job's kind. A panic costs the job its success and nothing else.
func (j *jobs) work(ctx context.Context, t *task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it failed within Sluice: %v", p)
		}
	}()
	do := j.kinds[t.rec.Kind]
	if do == nil {
		return fmt.Errorf("this release knows no jobs of kind %q", t.rec.Kind)
	}
	return do(ctx, t)
}

// end notes how a job ended. One that the gateway's end interrupted has not: it goes on at the next start.
func (j *jobs) end(ctx context.Context, t *task, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	t.works, t.over = false, true
	defer j.admit()
	switch {
	case errors.Is(context.Cause(ctx), errJobCancelled):
		t.rec.State = front.JobCancelled
	case j.ctx.Err() != nil && err != nil, ctx.Err() != nil:
		if err := j.write(&t.rec); err != nil {
			j.log.Error().Err(err).Str("job", t.rec.ID).Msg("where a job was interrupted could not be written")
		}
		return
	case err != nil:
		t.rec.State, t.rec.Error = front.JobFailed, err.Error()
	default:
		t.rec.State = front.JobDone
	}
	t.rec.FinishedAt = time.Now().UnixMilli()
	if err := j.write(&t.rec); err != nil { // at the next start it goes on, and ends again
		j.log.Error().Err(err).Str("job", t.rec.ID).Msg("a job's end could not be written")
	}
	j.log.Info().Str("job", t.rec.ID).Str("kind", t.rec.Kind).Str("state", t.rec.State).Int64("done", t.rec.Done).
		Str("error", t.rec.Error).Msg("job ended")
}

// forgetOld forgets jobs whose time is up, and the oldest beyond the bound. Called with j.mu held.
func (j *jobs) forgetOld(now time.Time) {
	over := -maxJobsRecorded
	for _, t := range j.all {
		if t.rec.State != front.JobRunning {
			over++
		}
	}
	j.all = slices.DeleteFunc(j.all, func(t *task) bool {
		if t.rec.State == front.JobRunning {
			return false
		}
		if over < 0 && now.Sub(time.UnixMilli(t.rec.FinishedAt)) < keepJobs {
			return false
		}
		over--
		j.remove(&t.rec)
		return true
	})
}

// close interrupts what runs and waits for it.
func (j *jobs) close() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.stop()
	j.runs.Wait()
}

// spec reads what the job was begun with.
func (t *task) spec(into any) error {
	if err := json.Unmarshal(t.rec.Spec, into); err != nil {
		return fmt.Errorf("what job %s is to do is unreadable: %w", t.rec.ID, err)
	}
	return nil
}

// position reads what was noted last; into stays as it is when nothing was.
func (t *task) position(into any) error {
	t.jobs.mu.Lock()
	defer t.jobs.mu.Unlock()
	if len(t.rec.Position) == 0 {
		return nil
	}
	if err := json.Unmarshal(t.rec.Position, into); err != nil {
		return fmt.Errorf("how far job %s came is unreadable: %w", t.rec.ID, err)
	}
	return nil
}

// note tells how far the job came: done of total (negative: not known), and from where it goes on after a restart.
// On disk it is at most a second later.
func (t *task) note(done, total int64, position any) error {
	b, err := json.Marshal(position)
	if err != nil {
		return fmt.Errorf("noting how far job %s came: %w", t.rec.ID, err)
	}
	j := t.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	t.rec.Done, t.rec.Position, t.rec.Total = done, b, nil
	if total >= 0 {
		t.rec.Total = &total
	}
	if now := time.Now(); now.Sub(t.saved) >= jobSaveEvery {
		t.saved = now
		return j.write(&t.rec)
	}
	return nil
}

// skip counts n that were to be done and could not be.
func (t *task) skip(n int) {
	t.jobs.mu.Lock()
	defer t.jobs.mu.Unlock()
	t.rec.Skipped += int64(n)
}
