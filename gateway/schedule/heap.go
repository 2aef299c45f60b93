package schedule

import "container/heap"

// laneHeap orders lanes by when to look at them again.
type laneHeap struct{ h laneSlice }

func (h *laneHeap) first() *lane {
	if len(h.h) == 0 {
		return nil
	}
	return h.h[0]
}

// push adds a lane, or moves it when it is in the heap.
func (h *laneHeap) push(l *lane) {
	if l.place == inDue {
		heap.Fix(&h.h, l.index)
		return
	}
	l.place = inDue
	heap.Push(&h.h, l)
}

func (h *laneHeap) remove(l *lane) {
	heap.Remove(&h.h, l.index)
	l.place = nowhere
}

type laneSlice []*lane

func (s laneSlice) Len() int           { return len(s) }
func (s laneSlice) Less(i, j int) bool { return s[i].at.Before(s[j].at) }
func (s laneSlice) Swap(i, j int)      { s[i], s[j] = s[j], s[i]; s[i].index, s[j].index = i, j }
func (s *laneSlice) Push(x any)        { l := x.(*lane); l.index = len(*s); *s = append(*s, l) }
func (s *laneSlice) Pop() any {
	n := len(*s) - 1
	l := (*s)[n]
	(*s)[n] = nil
	*s = (*s)[:n]
	return l
}

// queueHeap orders a lane's queues by when their head is due.
type queueHeap struct{ h queueSlice }

func (h *queueHeap) first() *queue {
	if len(h.h) == 0 {
		return nil
	}
	return h.h[0]
}

// push adds a queue, or moves it when it is in the heap.
func (h *queueHeap) push(q *queue) {
	if q.place == qWaiting {
		heap.Fix(&h.h, q.index)
		return
	}
	q.place = qWaiting
	heap.Push(&h.h, q)
}

func (h *queueHeap) remove(q *queue) {
	heap.Remove(&h.h, q.index)
	q.place = qNowhere
}

type queueSlice []*queue

func (s queueSlice) Len() int { return len(s) }
func (s queueSlice) Less(i, j int) bool {
	if s[i].headDue != s[j].headDue {
		return s[i].headDue < s[j].headDue
	}
	return s[i].window.first().entry.Compare(s[j].window.first().entry.Position) < 0
}
func (s queueSlice) Swap(i, j int) { s[i], s[j] = s[j], s[i]; s[i].index, s[j].index = i, j }
func (s *queueSlice) Push(x any)   { q := x.(*queue); q.index = len(*s); *s = append(*s, q) }
func (s *queueSlice) Pop() any {
	n := len(*s) - 1
	q := (*s)[n]
	(*s)[n] = nil
	*s = (*s)[:n]
	return q
}
