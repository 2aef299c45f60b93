package gateway

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// TestAJobThatIsBegunBeforeOthersAreResumedRunsOnce, as one whose request comes as soon as the front door is open.
func TestAJobThatIsBegunBeforeOthersAreResumedRunsOnce(t *testing.T) {
	j, err := openJobs(t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	runs, resumed := make(chan string, 2), make(chan struct{})
	j.kinds["count"] = func(_ context.Context, of *task) error {
		runs <- of.rec.ID
		<-resumed
		return nil
	}
	v, _, err := j.begin("count", "default", "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	j.resume()
	close(resumed)
	j.runs.Wait()
	if len(runs) != 1 {
		t.Errorf("it ran %d times", len(runs))
	}
	if is, err := j.Job(t.Context(), v.ID); err != nil || is.State != front.JobDone {
		t.Errorf("it stands as %+v, %v", is, err)
	}
	j.close()
}

func TestAJobThatIsCancelledBeforeItIsResumedNeverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := &counting{to: 5, step: make(chan struct{}), from: make(chan int64, 1)}
		j := openTestJobs(t, dir, map[string]jobKind{"count": c.run})
		id, _ := begin(t, j, "count", "", "")
		<-c.from
		j.close()

		j, err := openJobs(dir, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		j.kinds = map[string]jobKind{"count": c.run}
		cancelled := make(chan *front.JobView, 1)
		go func() {
			v, err := j.Cancel(t.Context(), id.ID)
			if err != nil {
				t.Error(err)
			}
			cancelled <- v
		}()
		synctest.Wait()
		j.resume()
		if v := <-cancelled; v == nil || v.State != front.JobCancelled {
			t.Errorf("it stands as %+v, want it cancelled", v)
		}
		if len(c.from) > 0 {
			t.Error("it ran")
		}
		j.close()
	})
}
