// Package jobs runs what takes longer than a request may. A job is a small file from its start to a week after its end; what
// it does is its kind's matter, and one that a shutdown or a crash interrupts goes on at the next start. The package never
// decides what is done, and keeps nothing of a webhook but the ids and filters that it is given.
package jobs

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

// Bounds on what is kept of jobs; those on what runs are in turns.go.
const (
	maxJobsRecorded = 1000 // that have ended; the oldest are forgotten beyond it

	// Keep is how long a job that has ended is shown, and its key known.
	Keep = 7 * 24 * time.Hour

	jobPrefix    = "job_"
	jobSaveEvery = time.Second
)

// errJobCancelled is the cause of a job's context when its end was asked for.
var errJobCancelled = errors.New("cancelled")

// Kind is what jobs of one kind do.
type Kind struct {
	// Run does the work. It returns when all is done, when ctx ends, or when it cannot go on; it may be run again after a restart,
	// and then goes on from the position it noted last. What it did behind that position it does once more, so that must be
	// harmless.
	Run func(ctx context.Context, t *Task) error
	// Watches: such a job only looks at what others do. It takes no turn, and is counted apart.
	Watches bool
	// Flow tells which flow a job is about, of what it was begun with; nil: jobs of this kind are about none.
	Flow func(spec json.RawMessage) string
}

// Order is what a job is begun with.
type Order struct {
	Kind   string // one that was given to Handle
	Tenant string // whose it is; empty: it is about all of them
	// Key, of a tenant, begins one job only within Keep; empty: it stands for nothing. Fingerprint is what the same key must come
	// with again.
	Key, Fingerprint string
	Spec             any // what it is to do, kept as JSON: no payload and no credential
}

// Runner runs jobs, each on a goroutine of its own, a few at a time (turns.go). Open, Handle each kind, Resume, and Close.
type Runner struct {
	dir   string
	log   zerolog.Logger
	kinds map[string]Kind
	ctx   context.Context //nolint:containedctx // a job outlives the request that began it
	stop  context.CancelFunc
	runs  sync.WaitGroup

	mu     sync.Mutex // never held over the disk
	coming []*Task    // begun, and being written for the first time
	all    []*Task    // as they were begun
	turns  uint64     // that were given
	closed bool
}

// Open reads the jobs that an earlier run left in a directory, which it makes where there is none. None runs before Resume.
func Open(dir string, log zerolog.Logger) (*Runner, error) {
	j := &Runner{dir: dir, log: log, kinds: map[string]Kind{}}
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

// Resume goes on with what was interrupted.
func (j *Runner) Resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range j.all {
		if t.begins == nil && t.rec.State == front.JobRunning { // else it was begun since
			j.run(t)
		}
	}
	j.admit()
}

// Handle has the runner know what jobs of a kind do. It is called before Resume.
func (j *Runner) Handle(name string, kind Kind) { j.kinds[name] = kind }

// Begin starts a job. The same key begins one only once: then its view is the first one's, and existing is true. Its error may be
// front.ErrJobConflict (the key came with another fingerprint), a *front.TooManyJobsError, front.ErrStopping, or of the disk.
func (j *Runner) Begin(o Order) (v front.JobView, existing bool, err error) {
	b, err := json.Marshal(o.Spec)
	if err != nil {
		return v, false, fmt.Errorf("a %s job: %w", o.Kind, err)
	}
	now := time.Now()
	t := j.newTask(jobRecord{
		ID: jobPrefix + ulid.Make().String(), Kind: o.Kind, State: front.JobRunning, Tenant: o.Tenant, Key: o.Key, Fingerprint: o.Fingerprint,
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
		return v, false, fmt.Errorf("a %s job: %w", o.Kind, err)
	}
	v = j.keep(t)
	j.log.Info().Str("job", v.ID).Str("kind", o.Kind).Str("tenant", o.Tenant).Msg("job begun")
	return v, false, nil
}

// announce has a place kept for a job until it is written, or returns the one that was begun under its key. Where there is no error
// and none was begun, j.runs counts it until then.
func (j *Runner) announce(t *Task) (same *Task, err error) {
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
func (j *Runner) underKeyOf(t *Task) *Task {
	if t.rec.Key == "" {
		return nil
	}
	for _, other := range slices.Concat(j.all, j.coming) {
		if other.rec.Key == t.rec.Key && other.rec.Tenant == t.rec.Tenant &&
			time.Duration(t.rec.CreatedAt-other.rec.CreatedAt)*time.Millisecond < Keep {
			return other
		}
	}
	return nil
}

// giveUp takes the place back of a job that could not be written.
func (j *Runner) giveUp(t *Task) {
	j.mu.Lock()
	j.coming = slices.DeleteFunc(j.coming, func(other *Task) bool { return other == t })
	j.mu.Unlock()
	t.cancel(nil)
	close(t.kept)
}

// keep lets a job that is written run when its turn comes, and forgets old ones in its place.
func (j *Runner) keep(t *Task) front.JobView {
	j.mu.Lock()
	j.coming = slices.DeleteFunc(j.coming, func(other *Task) bool { return other == t })
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
func (j *Runner) run(t *Task) {
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
func (j *Runner) work(ctx context.Context, t *Task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it failed within Sluice: %v", p)
		}
	}()
	do := j.kinds[t.rec.Kind].Run
	if do == nil {
		return fmt.Errorf("this release knows no jobs of kind %q", t.rec.Kind)
	}
	return do(ctx, t)
}

// end notes how a job ended. One that the gateway's end interrupted has not: it goes on at the next start. Nobody is shown an end
// that is not written yet.
func (j *Runner) end(t *Task, err error) {
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

// forgetOld forgets jobs whose time is up, and the oldest beyond the bound; their files are for the caller to remove. Called with
// j.mu held.
func (j *Runner) forgetOld(now time.Time) (ids []string) {
	over := -maxJobsRecorded
	for _, t := range j.all {
		if t.rec.State != front.JobRunning {
			over++
		}
	}
	j.all = slices.DeleteFunc(j.all, func(t *Task) bool {
		if t.rec.State == front.JobRunning {
			return false
		}
		if over < 0 && now.Sub(time.UnixMilli(t.rec.FinishedAt)) < Keep {
			return false
		}
		over--
		ids = append(ids, t.rec.ID)
		return true
	})
	return ids
}

// Close interrupts what runs and waits for it.
func (j *Runner) Close() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.stop()
	j.runs.Wait()
}
