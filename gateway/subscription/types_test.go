package subscription

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/persist/record"
)

// fits is the rule in its plainest form: the oracle of the index.
func fits(pattern, eventType string) bool {
	prefix, ok := strings.CutSuffix(pattern, "*")
	return pattern == eventType || ok && strings.HasPrefix(eventType, prefix)
}

func TestIndexFindsWhatPatternsFitAndNothingElse(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	part := func() string { return string(rune('a' + random.IntN(3))) }
	name := func() string {
		parts := make([]string, 1+random.IntN(4))
		for i := range parts {
			parts[i] = part()
		}
		return strings.Join(parts, ".")
	}
	for range 50 {
		x := newIndex()
		var entries []*Entry
		for i := range 40 {
			s := &record.Subscription{ID: fmt.Sprintf("sub_%02d", i)}
			for range 1 + random.IntN(4) {
				p := name()
				switch random.IntN(6) {
				case 0:
					p = everything
				case 1, 2:
					p += ".*"
				}
				s.Types = union(s.Types, []string{p})
			}
			e := &Entry{Record: s}
			entries = append(entries, e)
			x.add(e)
		}
		for range 10 {
			i := random.IntN(len(entries))
			x.remove(entries[i])
			entries = slices.Delete(entries, i, i+1)
		}
		for range 100 {
			eventType := name()
			var want []string
			for _, e := range entries {
				if slices.ContainsFunc(e.Record.Types, func(p string) bool { return fits(p, eventType) }) {
					want = append(want, e.Record.ID)
				}
			}
			var got []string
			for _, e := range x.find(eventType) {
				got = append(got, e.Record.ID)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: found %v, want %v", eventType, got, want)
			}
		}
	}
}

func TestPatternsThatAreRefusedSayWhy(t *testing.T) {
	for _, p := range []string{"*", "order.paid", "order.*", "orders/create", "theme.publish.finished", "a.b.*"} {
		if problem := checkPattern(p); problem != "" {
			t.Errorf("%s: %s", p, problem)
		}
	}
	for p, want := range map[string]string{
		"": "is empty", ".*": "nothing before", "order*": "neither alone", "*.paid": "neither alone", "a b": "a space",
		"é": "not printable ASCII", strings.Repeat("x", MaxType+1): "too many", "a.*.*": "neither alone",
	} {
		if problem := checkPattern(p); !strings.Contains(problem, want) {
			t.Errorf("%.20q: %q, want it to say %q", p, problem, want)
		}
	}
}

// 10,000 subscriptions of one tenant: `go test ./gateway/subscription -run '^$' -bench Matching`.
func BenchmarkMatching(b *testing.B) {
	x := newIndex()
	for i := range 10_000 {
		e, err := compile(&record.Subscription{ID: fmt.Sprintf("sub_%05d", i), Types: []string{
			fmt.Sprintf("order.kind%d.paid", i%1000), fmt.Sprintf("user.%d.*", i%500),
		}, Filter: "data.total > 100"})
		if err != nil {
			b.Fatal(err)
		}
		x.add(e)
	}
	for b.Loop() {
		event := &Event{Type: "order.kind7.paid", Data: []byte(`{"total":120}`)}
		n := 0
		for _, e := range x.find(event.Type) {
			if e.wants(event) {
				n++
			}
		}
		if n != 10 {
			b.Fatal(n)
		}
	}
}
