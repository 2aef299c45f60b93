package front_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// doneJobs are jobs that have ended, and one that runs.
type doneJobs []front.JobView

func (j doneJobs) Jobs(context.Context, string) ([]front.JobView, error) { return j, nil }

func (j doneJobs) Job(_ context.Context, id string) (*front.JobView, error) {
	for i := range j {
		if j[i].ID == id {
			return &j[i], nil
		}
	}
	return nil, nil
}

func (j doneJobs) Cancel(ctx context.Context, id string) (*front.JobView, error) {
	v, _ := j.Job(ctx, id)
	if v != nil && v.State != front.JobRunning {
		return nil, front.ErrJobOver
	}
	return v, nil
}

func TestJobsAreShownAndCancelled(t *testing.T) {
	total := int64(7)
	d := open(t, func(s *front.Settings) {
		s.Jobs = doneJobs{
			{ID: "job_2", Kind: "replay", State: front.JobRunning, Done: 3, CreatedAt: front.At(1_769_851_800_000)},
			{ID: "job_1", Kind: "replay", State: front.JobFailed, Total: &total, Error: "no disk"},
		}
	})
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/v1/jobs", 200, `{"jobs":[{"id":"job_2","kind":"replay","state":"running",`},
		{"GET", "/v1/jobs/job_1", 200, `"total":7,"done":0,"created_at":null,"finished_at":null,"error":"no disk"}`},
		{"GET", "/v1/jobs/job_2", 200, `"total":null,"done":3,"created_at":"2026-01-31T09:30:00.000Z","finished_at":null}`},
		{"GET", "/v1/jobs/job_3", 404, `/not-found"`},
		{"DELETE", "/v1/jobs/job_2", 200, `{"id":"job_2"`},
		{"DELETE", "/v1/jobs/job_1", 409, `/job-over"`},
		{"DELETE", "/v1/jobs/job_3", 404, `/not-found"`},
		{"POST", "/v1/jobs", 405, `/method-not-allowed"`},
		{"POST", "/v1/jobs/job_1", 405, `/method-not-allowed"`},
		{"GET", "/v1/jobs/job_1/", 404, `/not-found"`},
	} {
		if r := d.ask(tt.method, tt.path, ""); r.StatusCode != tt.status || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s %s: %d %s; want %d and %s", tt.method, tt.path, r.StatusCode, r.body, tt.status, tt.want)
		}
	}
}

func TestAnotherTenantsJobsAreNotThere(t *testing.T) {
	d := open(t, withTokens(front.Token{Name: "eu", Scopes: everyScope, Tenants: []string{"eu"}}), func(s *front.Settings) {
		s.Jobs = doneJobs{
			{ID: "job_3", Tenant: "eu", State: front.JobRunning}, {ID: "job_2", Tenant: "us", State: front.JobRunning}, {ID: "job_1", State: front.JobRunning},
		}
	})
	for _, other := range []string{"job_1", "job_2"} {
		wantProblem(t, d.ask("GET", "/v1/jobs/"+other, "", as("eu")), 404, "not-found")
		wantProblem(t, d.ask("DELETE", "/v1/jobs/"+other, "", as("eu")), 404, "not-found")
	}
	if r := d.ask("DELETE", "/v1/jobs/job_3", "", as("eu")); r.StatusCode != 200 {
		t.Errorf("its own: %d %s", r.StatusCode, r.body)
	}
	if r := d.ask("GET", "/v1/jobs", "", as("eu")); !strings.HasPrefix(r.body, `{"jobs":[{"id":"job_3"`) || strings.Contains(r.body, "job_2") || strings.Contains(r.body, "job_1") {
		t.Errorf("listed: %s", r.body)
	}
}
