package limiter

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

func TestRevisionTellsWhatIsWorthSaving(t *testing.T) {
	b := New(Config{Start: math.Inf(1)}, epoch)
	before := b.Revision()
	answer(b, epoch, 200, nil)
	if b.Revision() != before {
		t.Error("an unlimited lane that learned nothing wants to be saved")
	}
	answer(b, epoch, 429, after(time.Minute))
	if b.Revision() == before {
		t.Error("a pause is not worth saving")
	}
}

func TestSnapshotSurvivesJSON(t *testing.T) {
	now := epoch
	b := New(DefaultConfig(), now)
	saturate(b, now, 5*time.Second, func(sent time.Time) Observation {
		return Observation{Status: 200, Hint: left(100, 50, sent.Add(5*time.Second))}
	})
	now = now.Add(6 * time.Second)
	answer(b, now, 429, after(time.Minute))
	data, err := json.Marshal(b.Snapshot(now))
	if err != nil {
		t.Fatal(err)
	}
	var s Snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	restored := New(DefaultConfig(), now)
	restored.Restore(s, now)
	if at, why := restored.ReadyAt(now); why != Pause || at.Sub(now) != time.Minute {
		t.Errorf("ready in %v (%v), want the pause to survive", at.Sub(now), why)
	}
	was, is := b.View(now), restored.View(now)
	if len(is.Windows) != 1 || is.Windows[0].Limit != was.Windows[0].Limit || is.Windows[0].Per != was.Windows[0].Per ||
		is.Concurrency != was.Concurrency {
		t.Errorf("restored %+v, want %+v", is, was)
	}
}

func TestSnapshotOfAnUnlimitedLaneIsJSON(t *testing.T) {
	if _, err := json.Marshal(New(Config{Start: math.Inf(1)}, epoch).Snapshot(epoch)); err != nil {
		t.Error(err)
	}
}

func TestRestoreIgnoresOtherVersions(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	b.Restore(Snapshot{Version: SnapshotVersion + 1, Pause: epoch.Add(time.Hour).UnixMilli()}, epoch)
	if _, why := b.ReadyAt(epoch); why != Ready {
		t.Errorf("held by %v", why)
	}
}

func TestRestartNeitherBurstsNorStallsAWindowOfADay(t *testing.T) {
	cfg := Config{Start: math.Inf(1), Windows: []Rule{{86_400, 24 * time.Hour}}}
	b := New(cfg, epoch)
	saturate(b, epoch, 10*time.Second, ok)
	now := epoch.Add(10 * time.Second)
	restored := New(cfg, now)
	restored.Restore(b.Snapshot(now), now)
	if at, _ := restored.ReadyAt(now); at.Sub(now) > 2*time.Second {
		t.Errorf("the first call waits %v", at.Sub(now))
	}
	if n := saturate(restored, now, 10*time.Second, ok); n > 11 || n < 8 {
		t.Errorf("%d calls in ten seconds at 1/s", n)
	}
}

// TestAWindowOfWhichOnlyRefusalsTellIsTriedAgainAfterARestart: nothing else would show that it allows more by now.
func TestAWindowOfWhichOnlyRefusalsTellIsTriedAgainAfterARestart(t *testing.T) {
	d := refuser{limit: 100, per: 10 * time.Second}
	b := New(DefaultConfig(), epoch)
	d.drive(b, epoch, 5*time.Minute)
	now := epoch.Add(5 * time.Minute)
	restored := New(DefaultConfig(), now)
	restored.Restore(b.Snapshot(now), now)
	d.limit *= 3
	d.drive(restored, now, 15*time.Minute)
	ok, _ := d.drive(restored, now.Add(15*time.Minute), 10*time.Minute)
	if use := float64(ok) / float64(d.limit*60); use < 0.95 {
		t.Errorf("15 minutes after it was raised to three times that, use %.3f", use)
	}
}

// TestALengthThatWasShortenedStaysSoAfterARestart: five seconds that are told as six are not guessed to be ten anew.
func TestALengthThatWasShortenedStaysSoAfterARestart(t *testing.T) {
	for seed := range uint64(6) {
		s := study{
			cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.FixedFirst, Limit: 50, Per: 5 * time.Second},
			dialect: destination.XRateLimitEpoch, rtt: time.Millisecond, noise: time.Millisecond, within: 2 * time.Minute, seed: seed,
			after: time.Duration(seed) * 370 * time.Millisecond, crashes: []time.Duration{time.Minute},
		}
		if f := s.run(t); f.use(s.spec) < 0.93 || f.refused > 0 {
			t.Errorf("seed %d: taken to be %v long; use %.3f, %d refused", seed, f.budget.windows[0].per, f.use(s.spec), f.refused)
		}
	}
}

// TestABucketOfNoCommonLengthIsUsedAfterARestartAsBefore: what showed that it is no window is remembered.
func TestABucketOfNoCommonLengthIsUsedAfterARestartAsBefore(t *testing.T) {
	for seed := range uint64(4) {
		s := study{
			cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.GCRA, Limit: 600, Per: time.Minute, Burst: 60},
			dialect: destination.XRateLimitEpoch, rtt: time.Millisecond, noise: time.Millisecond, within: 5 * time.Minute, seed: seed,
			after: time.Duration(seed) * 370 * time.Millisecond, crashes: []time.Duration{2 * time.Minute},
		}
		if f := s.run(t); f.use(s.spec) < 0.93 || f.share() > 0.001 {
			t.Errorf("seed %d: use %.3f, %d refused", seed, f.use(s.spec), f.refused)
		}
	}
}
