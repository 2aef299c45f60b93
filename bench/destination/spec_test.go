package destination_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

func TestParseLimitReadsCallsPerPeriod(t *testing.T) {
	for text, want := range map[string]struct {
		limit int
		per   time.Duration
	}{
		"20/1s":      {20, time.Second},
		"20/s":       {20, time.Second},
		"600/m":      {600, time.Minute},
		"5000/min":   {5000, time.Minute},
		"100/10s":    {100, 10 * time.Second},
		"250000/24h": {250000, 24 * time.Hour},
		"250000/d":   {250000, 24 * time.Hour},
		"3/1m30s":    {3, 90 * time.Second},
		"1/250ms":    {1, 250 * time.Millisecond},
	} {
		limit, per, err := destination.ParseLimit(text)
		if err != nil || limit != want.limit || per != want.per {
			t.Errorf("ParseLimit(%q) = %d, %s, %v; want %d, %s", text, limit, per, err, want.limit, want.per)
		}
	}
}

func TestParseLimitSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "must be N/DURATION",
		"20":                     "must be N/DURATION",
		"/1s":                    `"" is not a number`,
		"20/":                    `"" is not a duration`,
		"+20/1s":                 `"+20" is not a number`,
		"1.5/1s":                 `"1.5" is not a number`,
		"20/1":                   `"1" is not a duration`,
		"20/fortnight":           `"fortnight" is not a duration`,
		"0/1s":                   "limit of 0 calls: must be 1 to",
		"-3/1s":                  "limit of -3 calls: must be 1 to",
		"5000000000/1s":          "limit of 5000000000 calls: must be 1 to",
		"20/0s":                  "limit per 0s: must be 1ms to",
		"20/1us":                 "limit per 1µs: must be 1ms to",
		"20/-1s":                 "limit per -1s: must be 1ms to",
		"99999999999999999999/s": "is not a number",
	} {
		_, _, err := destination.ParseLimit(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), text) {
			t.Errorf("ParseLimit(%q): %v; want the value and %q", text, err, want)
		}
	}
}

func TestValidateReportsEveryFault(t *testing.T) {
	err := destination.Spec{Algorithm: "lava", Limit: -1, Burst: 3}.Validate()
	for _, want := range []string{`algorithm "lava": must be one of fixed, fixed-first,`, "limit of -1 calls",
		"limit per 0s", "burst of 3 calls"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate: %v; want %q in it", err, want)
		}
	}
}

func TestValidateRefusesBurstsThatOverflow(t *testing.T) {
	spec := destination.Spec{Algorithm: destination.Bucket, Limit: 1, Per: destination.MaxPer, Burst: 1000}
	if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), "73 years") {
		t.Errorf("Validate: %v; want it to refuse a burst that takes centuries to fill", err)
	}
}

func TestExtremeSpecsDoNotOverflow(t *testing.T) {
	for _, algorithm := range destination.Algorithms() {
		for _, spec := range []destination.Spec{
			{Algorithm: algorithm, Limit: destination.MaxLimit, Per: destination.MinPer},
			{Algorithm: algorithm, Limit: destination.MaxLimit, Per: destination.MaxPer},
			{Algorithm: algorithm, Limit: 1, Per: destination.MaxPer},
		} {
			limiter := mustNew(t, spec)
			for _, at := range []time.Time{epoch, epoch.Add(1), epoch.AddDate(100, 0, 0)} {
				if v := limiter.Allow(at); v.Remaining < 0 || v.RetryAfter < 0 || v.ResetAfter < 0 {
					t.Errorf("%s %s at %s: %+v", algorithm, spec, at, v)
				}
				limiter.Done(at)
			}
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	for _, seed := range []string{"20/1s", "600/m", "250000/24h", "3/1m30s", "1/d", "/", "x/y", "1/1000000h", "01/1.5s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		limit, per, err := destination.ParseLimit(text)
		if err != nil {
			if limit != 0 || per != 0 {
				t.Fatalf("ParseLimit(%q) returned %d and %s beside %v", text, limit, per, err)
			}
			return
		}
		spec := destination.Spec{Algorithm: destination.Fixed, Limit: limit, Per: per}
		if err := spec.Validate(); err != nil {
			t.Fatalf("ParseLimit(%q) let through what Validate refuses: %v", text, err)
		}
		again, perAgain, err := destination.ParseLimit(spec.String())
		if err != nil || again != limit || perAgain != per {
			t.Fatalf("%q is written %q, which reads as %d per %s, %v", text, spec, again, perAgain, err)
		}
	})
}
