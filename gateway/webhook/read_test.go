package webhook_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// TestReaderReadsEachTextAsIfItWereTheFirst: whatever was read before, well or ill, has no part in what is read next.
func TestReaderReadsEachTextAsIfItWereTheFirst(t *testing.T) {
	d := defaults(t)
	texts := []string{
		`{"url":"https://a.example/x","headers":{"X-A":"1","X-B":["2","3"]},"body":"hello","metadata":{"k":"v"}}`,
		`{"url":"https://b.example/","headers":{"X-A":`,
		`{"url":"https://b.example/","url":"https://c.example/"}`,
		`{"url":"https://c.example/","headers":[["X-A","4"]],"body":{"n":1}} and more`,
		`[]`,
		``,
		`{"url":"https://d.example/","headers":{"X-A":5},"metadata":{"k":6},"nonsense":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 101),
		`{"url":"https://e.example/y","body":"` + strings.Repeat("x", 4096) + `"}`,
		`{"url":"https://f.example/","type":"t"}`,
	}
	var reader webhook.Reader
	for range 2 {
		for i, text := range texts {
			want, wantFaults := webhook.Parse([]byte(text), now, d)
			for _, before := range texts {
				_, _ = reader.Parse([]byte(before), now, d)
				got, faults := reader.Parse([]byte(text), now, d)
				if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(faults, wantFaults) {
					t.Fatalf("text %d after %.40q: got %+v, %v; by itself %+v, %v", i, before, got, faults, want, wantFaults)
				}
			}
		}
	}
}

// TestReaderTakesNothingOfItsTextWithIt: a text may be overwritten once it was read, but for the body.
func TestReaderTakesNothingOfItsTextWithIt(t *testing.T) {
	d := defaults(t)
	text := []byte(`{"url":"https://a.example/x","flow":"spring","headers":{"X-A":"1"},"body":"hello","metadata":{"k":"v"}}`)
	var reader webhook.Reader
	got, faults := reader.Parse(text, now, d)
	if faults != nil {
		t.Fatal(faults)
	}
	w := got.Webhook
	clear(text)
	if w.URL != "https://a.example/x" || w.Flow != "spring" || w.Headers[0].Value != "1" || w.Metadata["k"] != "v" {
		t.Errorf("overwritten with its text: %+v", w)
	}
}
