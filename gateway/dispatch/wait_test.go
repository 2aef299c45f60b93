package dispatch

import (
	"testing"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func endOf(id record.ID) persist.Settlement {
	return persist.Settlement{ID: id, Final: &record.Final{ID: id, State: record.Delivered}}
}

func isOver(w *Wait) bool {
	select {
	case <-w.Ended():
		return true
	default:
		return false
	}
}

// TestAnEndIsToldToWhoeverWaitsForIt, once, whatever else ends, and however many wait for it.
func TestAnEndIsToldToWhoeverWaitsForIt(t *testing.T) {
	d := &Dispatcher{}
	web, id, other := &record.Webhook{}, record.ID{1}, record.ID{2}
	first, second := d.Await(web), d.Await(&record.Webhook{})
	d.waits.committed([]persist.Committed{{Webhook: &record.Webhook{}, Entry: record.Entry{Position: record.Position{ID: other}}}, {Webhook: web, Entry: record.Entry{Position: record.Position{ID: id}}}})
	second.Follow(id)
	if !d.waits.wanted(id) || d.waits.wanted(other) {
		t.Error("it is not known who is waited for")
	}
	d.waits.settled([]persist.Settlement{endOf(other), {ID: id, Next: &record.Entry{}}})
	if isOver(first) || isOver(second) {
		t.Error("told of an end that was another's, or none")
	}
	d.waits.settled([]persist.Settlement{endOf(id)})
	if !isOver(first) || !isOver(second) || first.Answer().Final.State != record.Delivered {
		t.Error("not told")
	}
	d.waits.settled([]persist.Settlement{endOf(id)})
	first.Drop()
	second.Drop()
	if d.waits.n.Load() != 0 || len(d.waits.by)+len(d.waits.coming) != 0 {
		t.Errorf("left: %d, %v, %v", d.waits.n.Load(), d.waits.by, d.waits.coming)
	}
}

func TestWaitsAreBoundedAndLeaveNothing(t *testing.T) {
	d := &Dispatcher{}
	all := make([]*Wait, MaxWaits)
	for i := range all {
		if all[i] = d.Await(&record.Webhook{}); all[i] == nil {
			t.Fatalf("only %d may wait", i)
		}
	}
	if d.Await(&record.Webhook{}) != nil {
		t.Error("one too many may wait")
	}
	for i, w := range all {
		if i%2 == 0 {
			w.Follow(record.ID{byte(i % 100)})
		}
		w.Drop()
	}
	if d.waits.n.Load() != 0 || len(d.waits.by)+len(d.waits.coming) != 0 {
		t.Errorf("left: %d, %v, %v", d.waits.n.Load(), d.waits.by, d.waits.coming)
	}
}
