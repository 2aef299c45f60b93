package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Task is one job, as its kind has it in hand.
type Task struct {
	runner *Runner
	ctx    context.Context //nolint:containedctx // as Runner.ctx
	cancel context.CancelCauseFunc
	kept   chan struct{} // closed when it is written for the first time, or cannot be
	ended  chan struct{} // closed when its run has returned

	// Under runner.mu. Once it is kept, rec changes on the goroutine of its run alone, which is also the only one to write it: to disk
	// goes a copy.
	rec    jobRecord
	begins chan struct{} // closed when its turn has come; nil: it is not to run, or not yet
	saved  time.Time
	over   bool   // its run has returned, whatever the record says
	works  bool   // its turn has come, and it has not ended
	turn   uint64 // the number of its turn; 0: it has not come
}

func (j *Runner) newTask(rec jobRecord) *Task {
	t := &Task{runner: j, rec: rec, kept: make(chan struct{}), ended: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancelCause(j.ctx)
	return t
}

// ID is the job's, for life.
func (t *Task) ID() string { return t.rec.ID }

// now is the job's record as it stands.
func (t *Task) now() jobRecord {
	t.runner.mu.Lock()
	defer t.runner.mu.Unlock()
	return t.rec
}

// Spec reads what the job was begun with.
func (t *Task) Spec(into any) error {
	if err := json.Unmarshal(t.rec.Spec, into); err != nil {
		return fmt.Errorf("what job %s is to do is unreadable: %w", t.rec.ID, err)
	}
	return nil
}

// Position reads what was noted last; into stays as it is when nothing was.
func (t *Task) Position(into any) error {
	t.runner.mu.Lock()
	defer t.runner.mu.Unlock()
	if len(t.rec.Position) == 0 {
		return nil
	}
	if err := json.Unmarshal(t.rec.Position, into); err != nil {
		return fmt.Errorf("how far job %s came is unreadable: %w", t.rec.ID, err)
	}
	return nil
}

// Note tells how far the job came: done of total (negative: not known), and from where it goes on after a restart, in what
// becomes JSON. On disk it is at most a second later.
func (t *Task) Note(done, total int64, position any) error {
	b, err := json.Marshal(position)
	if err != nil {
		return fmt.Errorf("noting how far job %s came: %w", t.rec.ID, err)
	}
	rec, due := t.noted(done, total, b)
	if !due {
		return nil
	}
	return t.runner.write(rec)
}

// noted takes note of how far the job came, and reports whether that is to be written.
func (t *Task) noted(done, total int64, position []byte) (rec jobRecord, due bool) {
	t.runner.mu.Lock()
	defer t.runner.mu.Unlock()
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

// Skip counts n that were to be done and could not be.
func (t *Task) Skip(n int) {
	t.runner.mu.Lock()
	defer t.runner.mu.Unlock()
	t.rec.Skipped += int64(n)
}
