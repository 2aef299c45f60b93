package jobs

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// TestAJobThatIsBegunBeforeOthersAreResumedRunsOnce, as one whose request comes as soon as the front door is open.
func TestAJobThatIsBegunBeforeOthersAreResumedRunsOnce(t *testing.T) {
	j, err := Open(t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	runs, resumed := make(chan string, 2), make(chan struct{})
	j.Handle("count", Kind{Run: func(_ context.Context, of *Task) error {
		runs <- of.ID()
		<-resumed
		return nil
	}})
	v, _, err := j.Begin(Order{Kind: "count", Tenant: "default"})
	if err != nil {
		t.Fatal(err)
	}
	j.Resume()
	close(resumed)
	j.runs.Wait()
	if len(runs) != 1 {
		t.Errorf("it ran %d times", len(runs))
	}
	if is, err := j.Job(t.Context(), v.ID); err != nil || is.State != front.JobDone {
		t.Errorf("it stands as %+v, %v", is, err)
	}
	j.Close()
}

func TestAJobThatIsCancelledBeforeItIsResumedNeverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := &counting{to: 5, step: make(chan struct{}), from: make(chan int64, 1)}
		j := openTestJobs(t, dir, map[string]Kind{"count": {Run: c.run}})
		id, _ := begin(t, j, "count", "", "")
		<-c.from
		j.Close()

		j, err := Open(dir, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		j.kinds = map[string]Kind{"count": {Run: c.run}}
		cancelled := make(chan *front.JobView, 1)
		go func() {
			v, err := j.Cancel(t.Context(), id.ID)
			if err != nil {
				t.Error(err)
			}
			cancelled <- v
		}()
		synctest.Wait()
		j.Resume()
		if v := <-cancelled; v == nil || v.State != front.JobCancelled {
			t.Errorf("it stands as %+v, want it cancelled", v)
		}
		if len(c.from) > 0 {
			t.Error("it ran")
		}
		j.Close()
	})
}
