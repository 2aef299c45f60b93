package simulate

import "time"

// event is what happens next.
type event struct {
	at       time.Time
	n        int
	kind     eventKind
	campaign int
	call     *call
	model    *model
}

type eventKind uint8

const (
	accept    eventKind = iota // a campaign's next webhooks
	reach                      // a call, at its destination
	answer                     // its end, at the sender
	wake                       // the schedule wanted to be asked again
	other                      // somebody else's call, at a destination
	otherEnds                  // its end there
)

// agenda is a heap of events, the next first: container/heap's.
type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].n < a[j].n
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is heap.Interface's.
func (a *agenda) Push(x any) { *a = append(*a, x.(event)) } //nolint:forcetypeassert // heap.Push is given nothing else

// Pop is heap.Interface's.
func (a *agenda) Pop() any {
	n := len(*a) - 1
	last := (*a)[n]
	(*a)[n] = event{}
	*a = (*a)[:n]
	return last
}
