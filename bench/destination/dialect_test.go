package destination_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

func TestDialectsTellTheLimitAsTheirSourcesWriteIt(t *testing.T) {
	now := time.Unix(1_700_000_000, 300_000_000)
	accepted := destination.Verdict{OK: true, Limit: 20, Remaining: 7, ResetAfter: 700 * time.Millisecond,
		Quota: 20, Window: time.Second}
	refused := destination.Verdict{Limit: 100, ResetAfter: 9001 * time.Millisecond, RetryAfter: 2001 * time.Millisecond,
		Quota: 600, Window: time.Minute}
	busy := destination.Verdict{Limit: 4, Quota: 4}
	for _, c := range []struct {
		dialect destination.Dialect
		name    string
		verdict destination.Verdict
		want    string
	}{
		{destination.NoHeaders, "accepted", accepted, ""},
		{destination.NoHeaders, "refused", refused, ""},
		{destination.RetryAfterOnly, "accepted", accepted, ""},
		{destination.RetryAfterOnly, "refused", refused, "Retry-After: 3"},
		{destination.RetryAfterOnly, "busy", busy, "Retry-After: 1"},
		{destination.RetryAfterFloor, "accepted", accepted, ""},
		{destination.RetryAfterFloor, "refused", refused, "Retry-After: 2"},
		{destination.RetryAfterFloor, "busy", busy, "Retry-After: 0"},
		{destination.RetryAfterWindow, "accepted", accepted, ""},
		{destination.RetryAfterWindow, "refused", refused, "Retry-After: 60"},
		{destination.RetryAfterWindow, "busy", busy, "Retry-After: 1"},
		{destination.RetryAfterDate, "accepted", accepted, ""},
		{destination.RetryAfterDate, "refused", refused, "Retry-After: Tue, 14 Nov 2023 22:13:23 GMT"},
		{destination.RetryAfterDate, "busy", busy, "Retry-After: Tue, 14 Nov 2023 22:13:21 GMT"},
		{destination.RetryAfterAlways, "accepted", accepted, "Retry-After: 1"},
		{destination.RetryAfterAlways, "refused", refused, "Retry-After: 3"},
		{destination.RetryAfterAlways, "busy", busy, "Retry-After: 1"},
		{destination.XRateLimitEpochFloor, "refused", refused,
			"X-RateLimit-Limit: 100|X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1700000009"},
		{destination.XRateLimitEpochMs, "refused", refused,
			"X-RateLimit-Limit: 100|X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1700000009301"},
		{destination.XRateLimitSeconds, "refused", refused,
			"X-RateLimit-Limit: 100|X-RateLimit-Remaining: 0|X-RateLimit-Reset: 10"},
		{destination.XRateLimitMs, "refused", refused,
			"X-RateLimit-Limit: 100|X-RateLimit-Remaining: 0|X-RateLimit-Reset: 9001"},
		{destination.XRateLimitDelta, "accepted", accepted,
			"X-Rate-Limit-Limit: 20|X-Rate-Limit-Remaining: 7|X-Rate-Limit-Reset: 1"},
		{destination.XRateLimitDelta, "refused", refused,
			"X-Rate-Limit-Limit: 100|X-Rate-Limit-Remaining: 0|X-Rate-Limit-Reset: 10"},
		{destination.XRateLimitDelta, "busy", busy,
			"X-Rate-Limit-Limit: 4|X-Rate-Limit-Remaining: 0|X-Rate-Limit-Reset: 0"},
		{destination.XRateLimitEpoch, "accepted", accepted,
			"X-RateLimit-Limit: 20|X-RateLimit-Remaining: 7|X-RateLimit-Reset: 1700000001"},
		{destination.XRateLimitEpoch, "refused", refused,
			"X-RateLimit-Limit: 100|X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1700000010"},
		{destination.XRateLimitEpoch, "busy", busy,
			"X-RateLimit-Limit: 4|X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1700000001"},
		{destination.Draft6, "accepted", accepted,
			"RateLimit-Policy: 20;w=1|RateLimit-Limit: 20|RateLimit-Remaining: 7|RateLimit-Reset: 1"},
		{destination.Draft6, "refused", refused,
			"RateLimit-Policy: 600;w=60|RateLimit-Limit: 100|RateLimit-Remaining: 0|RateLimit-Reset: 10"},
		{destination.Draft6, "busy", busy, "RateLimit-Limit: 4|RateLimit-Remaining: 0|RateLimit-Reset: 0"},
		{destination.Draft7, "accepted", accepted,
			"RateLimit-Policy: 20;w=1|RateLimit: limit=20, remaining=7, reset=1"},
		{destination.Draft7, "refused", refused,
			"RateLimit-Policy: 600;w=60|RateLimit: limit=100, remaining=0, reset=10"},
		{destination.Draft7, "busy", busy, "RateLimit: limit=4, remaining=0, reset=0"},
		{destination.Draft8, "accepted", accepted,
			`RateLimit-Policy: "default";q=20;w=1|RateLimit: "default";r=7;t=1`},
		{destination.Draft8, "refused", refused,
			`RateLimit-Policy: "default";q=600;w=60|RateLimit: "default";r=0;t=10`},
		{destination.Draft8, "busy", busy,
			`RateLimit-Policy: "default";q=4;qu="concurrent-requests"|RateLimit: "default";r=0;t=0`},
	} {
		t.Run(string(c.dialect)+" "+c.name, func(t *testing.T) {
			var lines []string
			for _, field := range c.dialect.Append(nil, c.verdict, now) {
				lines = append(lines, field.Name+": "+field.Value)
			}
			if got := strings.Join(lines, "|"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSeveralLimitsAreToldByTheOneThatBindsAndEachInDraft8(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	second := destination.Verdict{OK: true, Limit: 20, Remaining: 19, ResetAfter: time.Second, Quota: 20, Window: time.Second}
	minute := destination.Verdict{OK: true, Limit: 600, Remaining: 7, ResetAfter: 30 * time.Second, Quota: 600, Window: time.Minute}
	full := second
	full.OK, full.Remaining, full.RetryAfter = false, 0, time.Second
	even := minute
	even.Remaining = second.Remaining
	for _, c := range []struct {
		name    string
		dialect destination.Dialect
		both    []destination.Verdict
		want    string
	}{
		{"least remaining", destination.XRateLimitDelta, []destination.Verdict{second, minute},
			"X-Rate-Limit-Limit: 600|X-Rate-Limit-Remaining: 7|X-Rate-Limit-Reset: 30"},
		{"as much remains", destination.XRateLimitDelta, []destination.Verdict{second, even},
			"X-Rate-Limit-Limit: 600|X-Rate-Limit-Remaining: 19|X-Rate-Limit-Reset: 30"},
		{"refused by one", destination.RetryAfterOnly, []destination.Verdict{full, minute}, "Retry-After: 1"},
		{"both policies", destination.Draft6, []destination.Verdict{second, minute},
			"RateLimit-Policy: 20;w=1, 600;w=60|RateLimit-Limit: 600|RateLimit-Remaining: 7|RateLimit-Reset: 30"},
		{"both told", destination.Draft8, []destination.Verdict{full, minute},
			`RateLimit-Policy: "1s";q=20;w=1, "1m";q=600;w=60|RateLimit: "1s";r=0;t=1, "1m";r=7;t=30`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			for _, field := range c.dialect.AppendAll(nil, c.both, now) {
				lines = append(lines, field.Name+": "+field.Value)
			}
			if got := strings.Join(lines, "|"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestDialectValidateNamesValueAndChoices(t *testing.T) {
	for _, dialect := range destination.Dialects() {
		if err := dialect.Validate(); err != nil {
			t.Errorf("%s: %v", dialect, err)
		}
	}
	err := destination.Dialect("x-limit").Validate()
	if err == nil || !strings.Contains(err.Error(), `"x-limit": must be one of none, retry-after, retry-after-floor,`) {
		t.Errorf("Validate: %v", err)
	}
}

func ExampleLimiter() {
	limiter, err := destination.New(destination.Spec{Algorithm: destination.Fixed, Limit: 2, Per: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1_700_000_003, 500_000_000)
	for range 3 {
		v := limiter.Allow(now)
		fmt.Println(v.OK, destination.XRateLimitDelta.Append(nil, v, now))
	}
	// Output:
	// true [{X-Rate-Limit-Limit 2} {X-Rate-Limit-Remaining 1} {X-Rate-Limit-Reset 7}]
	// true [{X-Rate-Limit-Limit 2} {X-Rate-Limit-Remaining 0} {X-Rate-Limit-Reset 7}]
	// false [{X-Rate-Limit-Limit 2} {X-Rate-Limit-Remaining 0} {X-Rate-Limit-Reset 7}]
}
