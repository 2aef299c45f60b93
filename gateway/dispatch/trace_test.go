package dispatch

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/persist/record"
)

func TestTraceparentGoesAlongUnlessTheCallerWroteOne(t *testing.T) {
	own := []record.Header{{Name: "TraceParent", Value: "mine"}}
	other := make([]record.Header, 1, 2)
	other[0] = record.Header{Name: "A", Value: "b"}
	want := []record.Header{other[0], {Name: "traceparent", Value: "theirs"}}
	if got := traced(other, "theirs"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := other[:2][1]; got != (record.Header{}) {
		t.Errorf("the webhook's own headers were written to: %v", got)
	}
	if got := traced(own, "theirs"); !slices.Equal(got, own) {
		t.Errorf("beside the caller's own: %v", got)
	}
	if got := traced(other, ""); !slices.Equal(got, other) {
		t.Errorf("without a trace: %v", got)
	}
}
