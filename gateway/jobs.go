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

	mu     sync.Mutex // never held over the disk
	coming []*task    // begun, and being written for the first time
	all    []*task    // as they were begun
	turns  uint64     // that were given
	closed bool
}

// task is one job.
type task struct {
	jobs   *jobs
	ctx    context.Context //nolint:containedctx // as jobs.ctx
	cancel context.CancelCauseFunc
	kept   chan struct{} // closed when it is written for the first time, or cannot be
	ended  chan struct{} // closed when its run has returned

	// Under jobs.mu. Once it is kept, rec changes on the goroutine of its run alone, which is also the only one to write it: to disk
	// goes a copy.
	rec    jobRecord
	begins chan struct{} // closed when its turn has come; nil: it is not to run, or not yet
	saved  time.Time
	over   bool   // its run has returned, whatever the record says
	works  bool   // its turn has come, and it has not ended
	turn   uint64 // the number of its turn; 0: it has not come
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
		t := j.newTask(rec)
		close(t.kept)
		if rec.State != front.JobRunning {
			close(t.ended)
		}
		j.all = append(j.all, t)
	}
	return j, nil
}

func (j *jobs) newTask(rec jobRecord) *task {
	t := &task{jobs: j, rec: rec, kept: make(chan struct{}), ended: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancelCause(j.ctx)
	return t
}

// resume goes on with what was interrupted.
func (j *jobs) resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.all {
		if t.begins == nil && t.rec.State == front.JobRunning { // else it was begun since
			j.run(t)
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
	t := j.newTask(jobRecord{
		ID: jobPrefix + ulid.Make().String(), Kind: kind, State: front.JobRunning, Tenant: tenant, Key: key, Fingerprint: fingerprint,
		CreatedAt: now.UnixMilli(), Spec: b,
	})
	t.saved = now
	same, err := j.announce(t)
	switch {
	case err != nil:
		return v, false, err
	case same != nil:
		return *j.viewOf(same), true, nil
	}
	defer j.runs.Done()
	if err := j.write(t.rec); err != nil {
		j.giveUp(t)
		return v, false, fmt.Errorf("a %s job: %w", kind, err)
	}
	v = j.keep(t)
	j.log.Info().Str("job", v.ID).Str("kind", kind).Str("tenant", tenant).Msg("job begun")
	return v, false, nil
}

// announce has a place kept for a job until it is written, or returns the one that was begun under its key. Where there is no error
// and none was begun, j.runs counts it until then.
func (j *jobs) announce(t *task) (same *task, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		if j.closed {
			return nil, front.ErrStopping
		}
		same = j.underKeyOf(t)
		if same == nil {
			break
		}
		if same.rec.Fingerprint != t.rec.Fingerprint {
			return nil, front.ErrJobConflict
		}
		select {
		case <-same.kept:
			return same, nil
		default: // it may come to nothing yet
			j.mu.Unlock()
			<-same.kept
			j.mu.Lock()
		}
	}
	if err := j.room(turnOf{t.rec.Tenant, t.rec.Kind}); err != nil {
		return nil, err
	}
	j.coming = append(j.coming, t)
	j.runs.Add(1)
	return nil, nil //nolint:nilnil // there is none yet
}

// underKeyOf returns the job that was begun under the key of another; nil: there is none, or no key. Called with j.mu held.
func (j *jobs) underKeyOf(t *task) *task {
	if t.rec.Key == "" {
		return nil
	}
	for _, other := range slices.Concat(j.all, j.coming) {
		if other.rec.Key == t.rec.Key && other.rec.Tenant == t.rec.Tenant &&
			time.Duration(t.rec.CreatedAt-other.rec.CreatedAt)*time.Millisecond < keepJobs {
			return other
		}
	}
	return nil
}

// giveUp takes the place back of a job that could not be written.
func (j *jobs) giveUp(t *task) {
	j.mu.Lock()
	j.coming = slices.DeleteFunc(j.coming, func(other *task) bool { return other == t })
	j.mu.Unlock()
	t.cancel(nil)
	close(t.kept)
}

// keep lets a job that is written run when its turn comes, and forgets old ones in its place.
func (j *jobs) keep(t *task) front.JobView {
	j.mu.Lock()
	j.coming = slices.DeleteFunc(j.coming, func(other *task) bool { return other == t })
	old := j.forgetOld(time.Now())
	j.all = append(j.all, t)
	j.run(t)
	j.admit()
	v := t.view()
	j.mu.Unlock()
	close(t.kept)
	for _, id := range old {
		j.remove(id)
	}
	return v
}

// run lets a job run when its turn comes. Called with j.mu held.
func (j *jobs) run(t *task) {
	begins := make(chan struct{})
	t.begins = begins
	j.runs.Go(func() {
		defer close(t.ended)
		defer t.cancel(nil)
		select {
		case <-begins:
		case <-t.ctx.Done():
		}
		var err error
		if t.ctx.Err() == nil { // its turn may have come with its end
			err = j.work(t.ctx, t)
		}
		j.end(t, err)
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

// end notes how a job ended. One that the gateway's end interrupted has not: it goes on at the next start. Nobody is shown an end
// that is not written yet.
func (j *jobs) end(t *task, err error) {
	rec := t.now()
	over := true
	switch {
	case errors.Is(context.Cause(t.ctx), errJobCancelled):
		rec.State = front.JobCancelled
	case j.ctx.Err() != nil && err != nil, t.ctx.Err() != nil:
		over = false
	case err != nil:
		rec.State, rec.Error = front.JobFailed, err.Error()
	default:
		rec.State = front.JobDone
	}
	if over {
		rec.FinishedAt = time.Now().UnixMilli()
	}
	if err := j.write(rec); err != nil { // at the next start it goes on, and ends again
		j.log.Error().Err(err).Str("job", rec.ID).Msg("how a job ended, or where it was interrupted, could not be written")
	}
	j.mu.Lock()
	t.rec, t.works, t.over = rec, false, true
	j.admit()
	j.mu.Unlock()
	if over {
		j.log.Info().Str("job", rec.ID).Str("kind", rec.Kind).Str("state", rec.State).Int64("done", rec.Done).
			Str("error", rec.Error).Msg("job ended")
	}
}

// now is the job's record as it stands.
func (t *task) now() jobRecord {
	t.jobs.mu.Lock()
	defer t.jobs.mu.Unlock()
	return t.rec
}

// forgetOld forgets jobs whose time is up, and the oldest beyond the bound; their files are for the caller to remove. Called with
// j.mu held.
func (j *jobs) forgetOld(now time.Time) (ids []string) {
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
		ids = append(ids, t.rec.ID)
		return true
	})
	return ids
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
	rec, due := t.noted(done, total, b)
	if !due {
		return nil
	}
	return t.jobs.write(rec)
}

// noted takes note of how far the job came, and reports whether that is to be written.
func (t *task) noted(done, total int64, position []byte) (rec jobRecord, due bool) {
	t.jobs.mu.Lock()
	defer t.jobs.mu.Unlock()
	t.rec.Done, t.rec.Position, t.rec.Total = done, position, nil
	if total >= 0 {
		t.rec.Total = &total
	}
	now := time.Now()
	if due = now.Sub(t.saved) >= jobSaveEvery; due {
		t.saved = now
	}
	return t.rec, due
}

// skip counts n that were to be done and could not be.
func (t *task) skip(n int) {
	t.jobs.mu.Lock()
	defer t.jobs.mu.Unlock()
	t.rec.Skipped += int64(n)
}
