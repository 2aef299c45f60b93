package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// held is jobs that end when they are let, one by one.
type held struct {
	*Runner
	t *testing.T

	mu   sync.Mutex
	free map[string]chan struct{} // by the job's key
}

// withHeld runs a test with the kinds copy and wipe, and one that watches, none of which ends before it is let.
func withHeld(t *testing.T, do func(h *held)) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{t: t, free: map[string]chan struct{}{}}
		wait := func(ctx context.Context, t *Task) error {
			select {
			case <-h.freeOf(t.rec.Key):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		h.Runner = openTestJobs(t, t.TempDir(), map[string]Kind{"copy": {Run: wait}, "wipe": {Run: wait}, "watch": {Run: wait, Watches: true}})
		do(h)
		h.Close()
	})
}

// freeOf returns what is closed to let a job end.
func (h *held) freeOf(key string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.free[key] == nil {
		h.free[key] = make(chan struct{})
	}
	return h.free[key]
}

func (h *held) begin(key, kind, tenant string) error {
	h.t.Helper()
	_, _, err := h.Begin(Order{Kind: kind, Tenant: tenant, Key: key})
	return err
}

func (h *held) beginAll(kind, tenant string, keys ...string) {
	h.t.Helper()
	for _, key := range keys {
		if err := h.begin(key, kind, tenant); err != nil {
			h.t.Fatal(err)
		}
	}
}

// end lets a job end.
func (h *held) end(key string) {
	close(h.freeOf(key))
	synctest.Wait()
}

// running are the keys of the jobs that are shown as running, in order; all others that have not ended are shown as waiting.
func (h *held) running() (keys []string) {
	for _, t := range h.all {
		switch h.viewOf(t).State {
		case front.JobRunning:
			keys = append(keys, t.rec.Key)
		case front.JobWaiting, front.JobDone, front.JobCancelled:
		default:
			h.t.Errorf("job %s is %+v", t.rec.Key, h.viewOf(t))
		}
	}
	slices.Sort(keys)
	return keys
}

func (h *held) want(keys ...string) {
	h.t.Helper()
	if got := h.running(); !slices.Equal(got, keys) {
		h.t.Errorf("%v run, want %v", got, keys)
	}
}

func TestATenantsJobsHoldNobodyElses(t *testing.T) {
	withHeld(t, func(h *held) {
		h.beginAll("copy", "eu", "eu1", "eu2", "eu3")
		h.want("eu1")
		h.beginAll("copy", "us", "us1")
		h.beginAll("wipe", "eu", "euw")
		h.want("eu1", "euw", "us1")
		h.beginAll("copy", "", "op1", "op2", "op3")
		h.beginAll("watch", "eu", "brake1", "brake2")
		h.want("brake1", "brake2", "eu1", "euw", "op1", "op2", "us1")
	})
}

func TestTenantsTakeTurnsWhereJobsWait(t *testing.T) {
	withHeld(t, func(h *held) {
		for i := range maxTenantsJobs {
			h.beginAll("copy", fmt.Sprintf("t%d", i), fmt.Sprintf("%d-first", i), fmt.Sprintf("%d-second", i))
		}
		h.beginAll("copy", "late", "late")
		h.want("0-first", "1-first", "2-first", "3-first")
		h.end("2-first") // its own second is older, but late has had no turn yet
		h.want("0-first", "1-first", "3-first", "late")
		h.end("0-first")
		h.want("0-second", "1-first", "3-first", "late")
	})
}

func TestACancelledJobThatWaitedGivesNoTurnAway(t *testing.T) {
	withHeld(t, func(h *held) {
		h.beginAll("copy", "eu", "1", "2", "3")
		if v, err := h.Cancel(h.t.Context(), h.all[1].rec.ID); err != nil || v.State != front.JobCancelled {
			h.t.Fatalf("%+v, %v", v, err)
		}
		h.end("1")
		h.want("3")
	})
}

func TestJobsThatHaveNotEndedAreBoundedByTenantAndInAll(t *testing.T) {
	withHeld(t, func(h *held) {
		var most *front.TooManyJobsError
		for i := range maxJobsUnendedOfTenant {
			h.beginAll("copy", "eu", fmt.Sprint("eu", i))
		}
		if err := h.begin("more", "copy", "eu"); !errors.As(err, &most) || *most != (front.TooManyJobsError{Tenant: "eu", Most: 20}) {
			h.t.Errorf("one more: %v", err)
		}
		for i := range maxJobsUnended - maxJobsUnendedOfTenant {
			tenant := fmt.Sprint("t", i/maxJobsUnendedOfTenant)
			h.beginAll("copy", tenant, fmt.Sprint(tenant, " ", i))
		}
		if err := h.begin("more", "copy", "us"); !errors.As(err, &most) || *most != (front.TooManyJobsError{Most: 100}) {
			h.t.Errorf("one more of all: %v", err)
		}
		h.beginAll("copy", "", "an operator's")
		h.beginAll("watch", "eu", "a brake")
		h.end("eu0")
		h.beginAll("copy", "eu", "more")
	})
}

// TestAnInterruptedJobIsGivenNoTurnAgain ends the jobs while one of them is ending.
func TestAnInterruptedJobIsGivenNoTurnAgain(t *testing.T) {
	withHeld(t, func(h *held) {
		h.beginAll("copy", "eu", "1", "2")
		h.stop()
		synctest.Wait()
		h.Runner.mu.Lock()
		h.admit()
		h.Runner.mu.Unlock()
		if v := h.viewOf(h.all[0]); v.State != front.JobWaiting {
			h.t.Errorf("interrupted it is %+v", v)
		}
	})
}
