package real

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"
)

// brief is a few seconds of each kind of destination: one that says nothing but 429, one that tells windows, one that
// tells a bucket.
var brief = []struct {
	name  string
	of    Destination
	count int // about seven seconds' worth
}{
	{"429 only", limitReq("nginx", 50, 25, "burst=25 nodelay"), 300},
	{"windows", nodeServer("express", "RateLimit, Retry-After", Rule{Limit: 20, Per: 2 * time.Second}, "express", "draft-8"), 70},
	{"bucket", goServer("throttled", "throttled", "X-RateLimit-*, Retry-After",
		Rule{Kind: Bucket, Limit: 20, Per: time.Second, Burst: 11}), 130},
}

// patience is for a run that would never end; nothing is measured by it.
const patience = 2 * time.Minute

// TestRealLimitersGetEveryWebhookOnceAndRefuseFew drives nginx, express-rate-limit and throttled through the built
// gateway. How well their allowances are used is not asked here: that takes longer, see `go run ./bench real`.
func TestRealLimitersGetEveryWebhookOnceAndRefuseFew(t *testing.T) {
	destinations := make([]Destination, len(brief))
	for i := range brief {
		destinations[i] = brief[i].of
	}
	tools, err := Prepare(t.Context(), destinations, false, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := tools.BuildGateway(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for i := range brief {
		t.Run(brief[i].name, func(t *testing.T) {
			t.Parallel()
			deliverAll(t, tools, &brief[i].of, brief[i].count)
		})
	}
}

func deliverAll(t *testing.T, tools Toolbox, d *Destination, count int) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := assemble(ctx, tools, d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}()
	ids, err := r.post(ctx, count)
	if err != nil {
		t.Fatal(err)
	}

	answers := awaitAccepted(ctx, t, r, count)
	refused, others := 0, 0
	times := make(map[string]int, count)
	for i := range answers {
		switch a := &answers[i]; {
		case a.accepted():
			times[a.ID]++
		case a.refused():
			refused++
		default:
			others++
		}
	}
	for _, id := range ids {
		if times[id] != 1 {
			t.Errorf("%s, one of %d webhooks that got a 202, was accepted %d times", id, count, times[id])
		}
	}
	if len(times) != count || others > 0 {
		t.Errorf("%d webhooks were accepted, and %d calls answered neither 2xx nor 429, want %d and 0", len(times), others, count)
	}
	// Twice the bar, and what finding the limit out may cost on a machine that has other things to do.
	if most := 8 + int(2*d.Bar().Refused*float64(len(answers))); refused > most {
		t.Errorf("%d of %d calls were refused, want at most %d", refused, len(answers), most)
	}
	t.Logf("%d calls, %d refused", len(answers), refused)
}

// awaitAccepted waits until the destination has accepted so many calls, and returns all its answers.
func awaitAccepted(ctx context.Context, t *testing.T, r *rig, count int) []Answer {
	t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		answers, err := readAnswers(r.log)
		if err == nil {
			err = r.alive()
		}
		if err != nil {
			t.Fatal(err)
		}
		accepted := 0
		for i := range answers {
			if answers[i].accepted() {
				accepted++
			}
		}
		if accepted >= count {
			return answers
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			shown, err := r.learned(context.WithoutCancel(ctx))
			t.Fatalf("%d of %d were accepted in %s, %d calls made; the gateway says %s (%v)", accepted, count, patience,
				len(answers), shown, err)
		}
	}
}

func TestEveryDestinationCanBeChosenByAName(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range All() {
		if d.Name == "" || seen[d.Name] {
			t.Errorf("the name %q is empty or taken", d.Name)
		}
		seen[d.Name] = true
		if len(d.Needs) == 0 || d.start == nil {
			t.Errorf("%s cannot be started", d.Name)
		}
		if d.Rule.Limit < 1 || (d.Rule.Kind != Concurrency && d.Rule.Per <= 0) {
			t.Errorf("%s allows nothing: %+v", d.Name, d.Rule)
		}
	}
	for _, name := range []string{"nginx-limit-req-10", "nginx-limit-conn", "express-legacy", "express-draft-8", "throttled"} {
		if !seen[name] {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestToldLimitsHaveTheHigherBar(t *testing.T) {
	for _, d := range All() {
		want := Bar{Use: 0.97, Refused: 0.005}
		if d.Tells == "" {
			want = Bar{Use: 0.9, Refused: 0.02}
		}
		if got := d.Bar(); got != want {
			t.Errorf("%s tells %q and has the bar %+v, want %+v", d.Name, d.Tells, got, want)
		}
	}
	silent := slices.ContainsFunc(All(), func(d Destination) bool { return d.Tells == "" })
	if !silent {
		t.Error("no destination says nothing but 429")
	}
}
