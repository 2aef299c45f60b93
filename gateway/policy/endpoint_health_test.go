package policy_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// answers has an endpoint answer n times, a second apart, and returns after how many it is disabled; 0: never.
func answers(h *policy.Health, p *policy.Policy, from time.Time, status, n int) (after int, v policy.Verdict) {
	for i := range n {
		o := p.Classify(policy.Attempt{Status: status})
		if v := h.Observe(from.Add(time.Duration(i)*time.Second), &p.Disable, policy.Seen{Outcome: o, Status: status}); v.Disable() {
			return i + 1, v
		}
	}
	return 0, v
}

func TestAdvocateDisablesAtExactlySoManyErrorsOfAClass(t *testing.T) {
	p := preset(t, "advocate")
	for status, want := range map[int]int{404: 1000, 499: 1000, 500: 2000, 503: 2000, 301: 2000, 204: 0, 101: 0} {
		after, v := answers(new(policy.Health), p, start, status, 5000)
		if after != want {
			t.Errorf("answering %d, it is disabled after %d, want %d", status, after, want)
		}
		if want == 1000 && (v.Rule != "totals" || v.Reason != "1000 answers of 4xx") {
			t.Errorf("verdict %+v", v)
		}
	}
}

func TestASuccessSetsTotalsBack(t *testing.T) {
	p := preset(t, "advocate")
	h := new(policy.Health)
	for range 3 {
		if after, _ := answers(h, p, start, 404, 999); after != 0 {
			t.Fatalf("disabled after %d", after)
		}
		answers(h, p, start, 200, 1)
	}
	answers(h, p, start, 404, 500)
	answers(h, p, start, 204, 1) // no success of Advocate's
	if after, _ := answers(h, p, start, 404, 1000); after != 500 {
		t.Errorf("disabled after %d more, want 500", after)
	}
}

func TestTotalsThatAreNeverSetBackSurviveSuccesses(t *testing.T) {
	p := *preset(t, "advocate")
	p.Disable.KeepTotals = true
	h := new(policy.Health)
	answers(h, &p, start, 404, 999)
	answers(h, &p, start, 200, 100)
	if after, _ := answers(h, &p, start, 404, 10); after != 1 {
		t.Errorf("disabled after %d more, want 1", after)
	}
}

func TestTotalsForATimeBeginAnewWhenItIsOver(t *testing.T) {
	rules := policy.Disable{Totals: []policy.Total{{Class: 5, Count: 3}}, KeepTotals: true, TotalsFor: time.Hour}
	h := new(policy.Health)
	var disabled []int
	for i, minute := range []int{0, 30, 61, 62, 120, 122} { // two within the hour, then two anew and one more
		seen := policy.Seen{Outcome: policy.Retry, Status: 500}
		if h.Observe(start.Add(time.Duration(minute)*time.Minute), &rules, seen).Disable() {
			disabled = append(disabled, i)
		}
	}
	if !reflect.DeepEqual(disabled, []int{4}) {
		t.Errorf("disabled at %v, want at the fifth only", disabled)
	}
}

func TestDeliveriesThatEndUndeliveredInARowDisable(t *testing.T) {
	for name, want := range map[string]int{"chariow-2026": 1, "shopify": 8, "chariow": 0, "github": 0} {
		p, h := preset(t, name), new(policy.Health)
		ended := 0
		for range 20 {
			var v policy.Verdict
			for try := 1; try <= p.Retry.Retries+1; try++ {
				v = h.Observe(start, &p.Disable, policy.Seen{Outcome: policy.Retry, Status: 500, Over: try > p.Retry.Retries})
				if v.Disable() && try <= p.Retry.Retries {
					t.Fatalf("%s: disabled while a delivery still has tries", name)
				}
			}
			if ended++; v.Disable() {
				break
			}
		}
		if want == 0 {
			want = 20 // never
		}
		if ended != want {
			t.Errorf("%s: disabled after %d, want %d", name, ended, want)
		}
	}
}

func TestADeliveryEndsTheRow(t *testing.T) {
	rules, h := policy.Disable{Exhausted: 2}, new(policy.Health)
	failed := policy.Seen{Outcome: policy.Failed, Status: 400, Over: true}
	h.Observe(start, &rules, failed)
	h.Observe(start, &rules, policy.Seen{Outcome: policy.Delivered, Status: 200, Over: true})
	if h.Observe(start, &rules, failed).Disable() {
		t.Error("disabled, though a delivery came between")
	}
	if !h.Observe(start, &rules, failed).Disable() {
		t.Error("not disabled by the second in a row")
	}
}

func TestSlackDisablesAboveNineteenInTwentyFromAThousandOn(t *testing.T) {
	p := preset(t, "slack")
	observe := func(h *policy.Health, calls, fail int, every time.Duration) (at int) {
		for i := range calls {
			s := policy.Seen{Outcome: policy.Delivered, Status: 200}
			if i%100 >= 100-fail { // a hundred begins with its successes
				s = policy.Seen{Outcome: policy.Retry, Status: 500}
			}
			if h.Observe(start.Add(time.Duration(i)*every), &p.Disable, s).Disable() {
				return i + 1
			}
		}
		return 0
	}
	for _, tt := range []struct {
		why         string
		calls, fail int
		every       time.Duration
		want        int
	}{
		{"all fail: at the thousandth", 3000, 100, time.Second, 1000},
		{"96 of 100 fail", 3000, 96, time.Second, 1000},
		{"95 of 100 are not above 95 %", 3000, 95, time.Second, 0},
		{"94 of 100 fail", 1000, 94, time.Second, 0},
		{"fewer than a thousand an hour", 3000, 100, 4 * time.Second, 0},
	} {
		if got := observe(new(policy.Health), tt.calls, tt.fail, tt.every); got != tt.want {
			t.Errorf("%s: disabled at %d, want %d", tt.why, got, tt.want)
		}
	}
}

func TestGoneDisablesAtOnceUnderStandardWebhooks(t *testing.T) {
	p := preset(t, "standard-webhooks")
	gone := policy.Attempt{Status: 410}
	if p.Classify(gone) != policy.Failed || !p.Disables(gone) {
		t.Fatal("410 does not fail and disable")
	}
	v := new(policy.Health).Observe(start, &p.Disable, policy.Seen{Outcome: policy.Failed, Status: 410, Over: true, Disables: true})
	if v.Rule != "answer" || v.Reason != "it answered 410" {
		t.Errorf("verdict %+v", v)
	}
	if p.Disables(policy.Attempt{Status: 404}) || p.Disables(policy.Attempt{Class: policy.ClassBlocked}) {
		t.Error("404, or a forbidden address, disables")
	}
}

func TestWhatTheDestinationDeferredCountsForNothing(t *testing.T) {
	rules := policy.Disable{Totals: []policy.Total{{Class: 4, Count: 1}}, Ratio: policy.Ratio{Window: time.Hour, Volume: 1}}
	if v := new(policy.Health).Observe(start, &rules, policy.Seen{Outcome: policy.Throttled, Status: 429}); v.Disable() {
		t.Errorf("verdict %+v", v)
	}
}

func TestHealthSurvivesARestartExactly(t *testing.T) {
	p := preset(t, "advocate")
	h := new(policy.Health)
	answers(h, p, start, 404, 999)
	h, err := policy.ReadHealth(h.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := answers(h, p, start, 404, 5); after != 1 {
		t.Errorf("disabled after %d more, want 1", after)
	}
}

// goldenHealth is a stored form that every later release must read.
const goldenHealth = "0101000000010180a8a89495670180bab703e0f1951c0101e2f1951c0101e4f1951c0101"

func TestStoredHealthStaysReadable(t *testing.T) {
	h := new(policy.Health)
	rules := policy.Disable{Ratio: policy.Ratio{Above: 0.5, Window: time.Hour, Volume: 1000}}
	h.Observe(start, &rules, policy.Seen{Outcome: policy.Retry, Status: 500})
	h.Observe(start.Add(time.Minute), &rules, policy.Seen{Outcome: policy.Failed, Status: 404, Over: true})
	h.Observe(start.Add(2*time.Minute), &rules, policy.Seen{Outcome: policy.Retry})
	if got := hex.EncodeToString(h.Append(nil)); got != goldenHealth {
		t.Errorf("stored as\n%s, want\n%s", got, goldenHealth)
	}
}

func TestHealthIsStoredOnlyWhenItChanged(t *testing.T) {
	h := new(policy.Health)
	if h.Updated() {
		t.Error("a new one is changed")
	}
	h.Observe(start, &policy.Disable{}, policy.Seen{Outcome: policy.Delivered, Status: 200})
	if !h.Updated() {
		t.Error("an observed one is not changed")
	}
	if h.Append(nil); h.Updated() {
		t.Error("a stored one is changed")
	}
}

// TestARatioIsCountedAsAnOracleCounts compares with a list of all attempts, at random instants.
func TestARatioIsCountedAsAnOracleCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const window = time.Hour
	for range 50 {
		rules := policy.Disable{Ratio: policy.Ratio{Above: 0.5, Window: window, Volume: 40}}
		h, now := new(policy.Health), start
		type call struct {
			at     time.Time
			failed bool
		}
		var calls []call
		for range 500 {
			now = now.Add(time.Duration(random.Int64N(int64(3 * time.Minute))))
			c := call{now, random.IntN(2) == 0}
			calls = append(calls, c)
			s := policy.Seen{Outcome: policy.Delivered}
			if c.failed {
				s.Outcome = policy.Retry
			}
			got := h.Observe(now, &rules, s).Disable()
			n, failed := 0, 0
			for _, c := range calls { // the current sixtieth and the 59 before it
				if c.at.Unix()/60 > now.Unix()/60-60 {
					n++
					if c.failed {
						failed++
					}
				}
			}
			if want := n >= 40 && 2*failed > n; got != want {
				t.Fatalf("%d of %d failed: disabled %v, want %v", failed, n, got, want)
			}
		}
	}
}

func FuzzReadHealth(f *testing.F) {
	f.Add([]byte{1, 5, 0, 0, 1, 0, 2, 0, 3, 0})
	f.Add([]byte{})
	golden, _ := hex.DecodeString(goldenHealth)
	f.Add(golden)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := policy.ReadHealth(b)
		if err != nil {
			return
		}
		stored := h.Append(nil)
		again, err := policy.ReadHealth(stored)
		if err != nil || !bytes.Equal(again.Append(nil), stored) {
			t.Errorf("%x is stored as %x, then %v", b, stored, err)
		}
		rules := policy.Disable{Totals: []policy.Total{{Class: 5, Count: 9}}, Ratio: policy.Ratio{Window: time.Hour, Volume: 2}}
		h.Observe(start, &rules, policy.Seen{Outcome: policy.Retry, Status: 500})
	})
}
