package jobs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// counting is a job that counts to a number, one step for each word it is given.
type counting struct {
	to   int64
	step chan struct{}
	from chan int64 // told where each run begins
}

func (c *counting) run(ctx context.Context, t *Task) error {
	var at int64
	if err := t.Position(&at); err != nil {
		return err
	}
	c.from <- at
	for ; at < c.to; at++ {
		select {
		case <-c.step:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := t.Note(at+1, c.to, at+1); err != nil {
			return err
		}
	}
	return nil
}

func openTestJobs(t *testing.T, dir string, kinds map[string]Kind) *Runner {
	t.Helper()
	j, err := Open(dir, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	j.kinds = kinds
	j.Resume()
	t.Cleanup(j.Close)
	return j
}

func begin(t *testing.T, j *Runner, kind, key, fingerprint string) (front.JobView, bool) {
	t.Helper()
	v, existing, err := j.Begin(Order{Kind: kind, Tenant: "eu", Key: key, Fingerprint: fingerprint})
	if err != nil {
		t.Fatal(err)
	}
	return v, existing
}

// ended waits for a job's run to return.
func ended(t *testing.T, j *Runner, id string) front.JobView {
	t.Helper()
	task := j.find(id)
	<-task.ended
	return *j.viewOf(task)
}

func TestInterruptedJobGoesOnWhereItWas(t *testing.T) {
	dir := t.TempDir()
	c := &counting{to: 5, step: make(chan struct{}), from: make(chan int64, 1)}
	j := openTestJobs(t, dir, map[string]Kind{"count": {Run: c.run}})
	id, _ := begin(t, j, "count", "", "")
	if at := <-c.from; at != 0 {
		t.Fatalf("begins at %d", at)
	}
	for range 3 {
		c.step <- struct{}{}
	}
	c.step <- struct{}{} // the third is noted by now
	j.Close()
	if v := j.viewOf(j.find(id.ID)); v.State != front.JobWaiting {
		t.Fatalf("interrupted it is %+v", v)
	}

	j = openTestJobs(t, dir, map[string]Kind{"count": {Run: c.run}})
	at := <-c.from
	if at < 3 {
		t.Errorf("goes on from %d of at least 3", at)
	}
	for range c.to - at {
		c.step <- struct{}{}
	}
	v := ended(t, j, id.ID)
	if v.State != front.JobDone || v.Done != 5 || v.Total == nil || *v.Total != 5 || v.FinishedAt.IsZero() {
		t.Errorf("ended as %+v", v)
	}
}

func TestCancelledJobStaysCancelled(t *testing.T) {
	dir := t.TempDir()
	c := &counting{to: 5, step: make(chan struct{}), from: make(chan int64, 1)}
	j := openTestJobs(t, dir, map[string]Kind{"count": {Run: c.run}})
	id, _ := begin(t, j, "count", "", "")
	<-c.from
	c.step <- struct{}{}
	v, err := j.Cancel(t.Context(), id.ID)
	if err != nil || v.State != front.JobCancelled || v.FinishedAt.IsZero() {
		t.Fatalf("cancelled: %+v, %v", v, err)
	}
	if _, err := j.Cancel(t.Context(), id.ID); !errors.Is(err, front.ErrJobOver) {
		t.Errorf("a second time: %v, want ErrJobOver", err)
	}
	j.Close()
	j = openTestJobs(t, dir, map[string]Kind{"count": {Run: c.run}})
	if v, err := j.Job(t.Context(), id.ID); err != nil || v.State != front.JobCancelled {
		t.Errorf("after a restart: %+v, %v", v, err)
	}
}

func TestJobsThatFailSayWhy(t *testing.T) {
	j := openTestJobs(t, t.TempDir(), map[string]Kind{
		"bad":   {Run: func(context.Context, *Task) error { return errors.New("no such luck") }},
		"panic": {Run: func(context.Context, *Task) error { panic("oh") }},
	})
	for kind, want := range map[string]string{
		"bad": "no such luck", "panic": "it failed within Sluice: oh", "other": `this release knows no jobs of kind "other"`,
	} {
		id, _ := begin(t, j, kind, "", "")
		if v := ended(t, j, id.ID); v.State != front.JobFailed || v.Error != want {
			t.Errorf("%s: %+v, want %q", kind, v, want)
		}
	}
}

func TestKeyBeginsOneJob(t *testing.T) {
	dir := t.TempDir()
	j := openTestJobs(t, dir, map[string]Kind{"none": {Run: func(context.Context, *Task) error { return nil }}})
	first, existing := begin(t, j, "none", "key", "a")
	if existing {
		t.Fatal("the first is not new")
	}
	ended(t, j, first.ID)
	j.Close()
	j = openTestJobs(t, dir, j.kinds)
	if again, existing := begin(t, j, "none", "key", "a"); !existing || again.ID != first.ID {
		t.Errorf("again: %+v, %v", again, existing)
	}
	if _, _, err := j.Begin(Order{Kind: "none", Tenant: "eu", Key: "key", Fingerprint: "b"}); !errors.Is(err, front.ErrJobConflict) {
		t.Errorf("for something else: %v, want ErrJobConflict", err)
	}
	if _, existing, err := j.Begin(Order{Kind: "none", Tenant: "us", Key: "key", Fingerprint: "b"}); existing || err != nil {
		t.Errorf("another tenant's: %v, %v", existing, err)
	}
	for tenant, want := range map[string]int{"": 2, "eu": 1, "us": 1, "asia": 0} {
		if views, err := j.Jobs(t.Context(), tenant); err != nil || len(views) != want {
			t.Errorf("tenant %q has %d jobs, %v; want %d", tenant, len(views), err, want)
		}
	}
}

func TestUnreadableJobIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "job_X.json")
	if err := os.WriteFile(path, []byte(`{"version": 9, "id": "job_X"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	j := openTestJobs(t, dir, nil)
	if v, err := j.Job(t.Context(), "job_X"); v != nil || err != nil {
		t.Errorf("read as %+v, %v", v, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
