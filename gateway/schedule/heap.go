package schedule

import "container/heap"

// indexed is a heap whose members know their place in it, so that they can be moved and taken out.
type indexed[T comparable] struct {
	items items[T]
}

func newIndexed[T comparable](less func(a, b T) bool, index func(T) *int) indexed[T] {
	return indexed[T]{items[T]{less: less, index: index}}
}

// first returns the least member, the zero T when there is none.
func (h *indexed[T]) first() (least T) {
	if h.items.Len() > 0 {
		least = h.items.all[0]
	}
	return least
}

func (h *indexed[T]) len() int   { return len(h.items.all) }
func (h *indexed[T]) push(v T)   { heap.Push(&h.items, v) }
func (h *indexed[T]) moved(v T)  { heap.Fix(&h.items, *h.items.index(v)) }
func (h *indexed[T]) remove(v T) { heap.Remove(&h.items, *h.items.index(v)) }

// items is indexed as container/heap wants it.
type items[T comparable] struct {
	all   []T
	less  func(a, b T) bool
	index func(T) *int
}

func (s items[T]) Len() int           { return len(s.all) }
func (s items[T]) Less(i, j int) bool { return s.less(s.all[i], s.all[j]) }

func (s items[T]) Swap(i, j int) {
	s.all[i], s.all[j] = s.all[j], s.all[i]
	*s.index(s.all[i]), *s.index(s.all[j]) = i, j
}

// Push is heap.Interface's.
func (s *items[T]) Push(x any) {
	v := x.(T) //nolint:forcetypeassert // heap.Push is given nothing else
	*s.index(v) = len(s.all)
	s.all = append(s.all, v)
}

// Pop is heap.Interface's.
func (s *items[T]) Pop() any {
	var zero T
	n := len(s.all) - 1
	v := s.all[n]
	s.all[n] = zero
	s.all = s.all[:n]
	return v
}
