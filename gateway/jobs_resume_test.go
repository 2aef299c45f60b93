package gateway

import (
	"context"
	"testing"

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
