package policy_test

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

func TestStatusSetsReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]policy.StatusSet{
		"200": policy.Statuses(200, 200), "20x": policy.Statuses(200, 209), "4xx": policy.Statuses(400, 499),
		"400-499": policy.Statuses(400, 499), "598-599": policy.Statuses(598, 599), "100-599": policy.Statuses(100, 599),
	} {
		if got, err := policy.ParseStatuses(text); err != nil || got != want {
			t.Errorf("%s reads as %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestWhatIsNoStatusIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "x", "xxx", "2", "20", "2000", "099", "600", "6xx", "0xx", "2x4", "x00", "2XX", "500-400", "200-", "-200", "200-2xx",
		"+20", " 200", "200,201", "20x-29x",
	} {
		if got, err := policy.ParseStatuses(text); err == nil {
			t.Errorf("%q reads as %s", text, got)
		}
	}
}

func TestAStatusThatIsNoneCountsAs500(t *testing.T) {
	for _, code := range []int{0, 99, 600, 999, -1} {
		if !policy.Statuses(500, 500).Has(code) || policy.Statuses(501, 599).Has(code) || policy.Statuses(100, 499).Has(code) {
			t.Errorf("%d does not count as 500", code)
		}
	}
}

func TestStatusSetsAreWrittenShort(t *testing.T) {
	set := policy.Statuses(200, 299).Union(policy.Statuses(404, 404)).Union(policy.Statuses(410, 419)).Union(policy.Statuses(498, 599))
	if got := set.String(); got != "2xx, 404, 41x, 498-499, 5xx" {
		t.Errorf("written as %s", got)
	}
	if set.Len() != 213 {
		t.Errorf("%d codes", set.Len())
	}
}

func FuzzParseStatuses(f *testing.F) {
	for _, text := range []string{"200", "20x", "4xx", "400-499", "xxx", "2x4", "200-2xx"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := policy.ParseStatuses(text)
		if err != nil {
			if set.Len() != 0 || !strings.Contains(err.Error(), "want") {
				t.Errorf("%q: %s with %v", text, set, err)
			}
			return
		}
		var again policy.StatusSet
		for _, item := range set.Items() {
			one, err := policy.ParseStatuses(item)
			if err != nil {
				t.Fatalf("%q is written with %q: %v", text, item, err)
			}
			again = again.Union(one)
		}
		if again != set || set.Len() == 0 {
			t.Errorf("%q reads as %s, which reads as %s", text, set, again)
		}
	})
}

func TestErrorClassesAreReadAsTheyAreWritten(t *testing.T) {
	for set := range policy.AnyError + 1 {
		var again policy.ClassSet
		for _, word := range set.Words() {
			one, ok := policy.ParseClass(word)
			if !ok {
				t.Fatalf("%q is written and not read", word)
			}
			again |= one
		}
		if again != set {
			t.Errorf("%s reads as %s", set, again)
		}
	}
	for _, word := range []string{"", "blocked_destination", "canceled", "all"} {
		if _, ok := policy.ParseClass(word); ok {
			t.Errorf("%q is a class", word)
		}
	}
	if policy.AnyError.Has(policy.ClassBlocked) || policy.AnyError.Has("") {
		t.Error("any error is a forbidden address, or none")
	}
}
