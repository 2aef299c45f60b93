package policy_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/policy"
)

// preset returns a preset as its file says it.
func preset(tb testing.TB, name string) *policy.Policy {
	tb.Helper()
	p, ok := configs.DefaultPolicies()[name]
	if !ok {
		tb.Fatalf("no preset %s", name)
	}
	return p
}

func braze(tb testing.TB) *policy.Policy {
	tb.Helper()
	return preset(tb, "braze")
}

func TestResponsesMeanWhatBrazeDocuments(t *testing.T) {
	p := braze(t)
	for _, tt := range []struct {
		sentence string
		attempts []policy.Attempt
		want     policy.Outcome
	}{
		{"20x: the webhook was received", statuses(200, 201, 202, 203, 204, 205, 206, 208, 226), policy.Delivered},
		{"30x: failed for good, no redirect is followed", statuses(300, 301, 302, 303, 304, 307, 308), policy.Failed},
		{"408 is tried again", statuses(408), policy.Retry},
		{"429 is tried again, when the host says", statuses(429), policy.Throttled},
		{"every other 4xx failed for good", statuses(400, 401, 402, 403, 404, 405, 409, 410, 413, 421, 422, 423, 425, 428, 431, 451, 499), policy.Failed},
		{"5xx is tried again", statuses(500, 501, 502, 503, 504, 505, 511, 520, 529, 598, 599), policy.Retry},
		{"codes outside 100 to 599 are taken for 5xx", statuses(600, 799, 999, 99), policy.Retry},
		{"an interim response is no final one", statuses(100, 101, 103), policy.Retry},
		{"no response is a connection error, and tried again", []policy.Attempt{
			{Class: policy.ClassDNS}, {Class: policy.ClassConnect}, {Class: policy.ClassTLS}, {Class: policy.ClassReset},
			{Class: policy.ClassTimeout}, {Class: policy.ClassProtocol}, {Class: policy.ClassCanceled},
		}, policy.Retry},
		{"a forbidden address stays forbidden", []policy.Attempt{{Class: policy.ClassBlocked}}, policy.Failed},
		{"503 and 529 that say when were deferred", []policy.Attempt{
			{Status: 503, HasRetryAfter: true}, {Status: 529, HasRetryAfter: true}, {Status: 429, HasRetryAfter: true},
		}, policy.Throttled},
		{"403 with nothing remaining was deferred", []policy.Attempt{{Status: 403, RemainingZero: true}}, policy.Throttled},
		{"rate headers never make a terminal code retriable", []policy.Attempt{
			{Status: 400, HasRetryAfter: true, RemainingZero: true}, {Status: 404, HasRetryAfter: true},
			{Status: 403, HasRetryAfter: true}, {Status: 301, HasRetryAfter: true, RemainingZero: true},
		}, policy.Failed},
		{"rate headers on a success are a success", []policy.Attempt{{Status: 200, HasRetryAfter: true, RemainingZero: true}}, policy.Delivered},
		{"Retry-After on another 5xx does not make it free of tries", []policy.Attempt{
			{Status: 500, HasRetryAfter: true}, {Status: 502, HasRetryAfter: true}, {Status: 503, RemainingZero: true},
		}, policy.Retry},
	} {
		for _, a := range tt.attempts {
			if got := p.Classify(a); got != tt.want {
				t.Errorf("%s: %+v means %s, want %s", tt.sentence, a, got, tt.want)
			}
		}
	}
}

func statuses(codes ...int) []policy.Attempt {
	var a []policy.Attempt
	for _, code := range codes {
		a = append(a, policy.Attempt{Status: code})
	}
	return a
}

func TestOnlyWhatNeverArrivedIsUnreachable(t *testing.T) {
	for class, want := range map[policy.ErrorClass]bool{
		policy.ClassDNS: true, policy.ClassConnect: true, policy.ClassTLS: true, policy.ClassReset: false,
		policy.ClassTimeout: false, policy.ClassProtocol: false, policy.ClassBlocked: false, policy.ClassCanceled: false, "": false,
	} {
		if got := class.Unreachable(); got != want {
			t.Errorf("%q: unreachable %v, want %v", class, got, want)
		}
	}
}
