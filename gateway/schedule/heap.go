package schedule

// indexed is a heap whose members know their place in it, so that they can be moved and taken out. It is written out here
// since container/heap goes through an interface at every step, and the schedule takes several for each webhook.
type indexed[T comparable] struct {
	all   []T
	less  func(a, b T) bool
	index func(T) *int
}

func newIndexed[T comparable](less func(a, b T) bool, index func(T) *int) indexed[T] {
	return indexed[T]{less: less, index: index}
}

// first returns the least member, the zero T when there is none.
func (h *indexed[T]) first() (least T) {
	if len(h.all) > 0 {
		least = h.all[0]
	}
	return least
}

func (h *indexed[T]) len() int { return len(h.all) }

func (h *indexed[T]) push(v T) {
	h.all = append(h.all, v)
	h.up(len(h.all)-1, v)
}

// moved puts a member where it belongs whose order changed.
func (h *indexed[T]) moved(v T) { h.place(*h.index(v), v) }

func (h *indexed[T]) remove(v T) {
	var none T
	i, n := *h.index(v), len(h.all)-1
	last := h.all[n]
	h.all[n] = none
	h.all = h.all[:n]
	if i < n {
		h.place(i, last)
	}
}

// place puts a member at i, or above or below it where it belongs.
func (h *indexed[T]) place(i int, v T) {
	if !h.down(i, v) {
		h.up(i, v)
	}
}

// up puts v at i or above.
func (h *indexed[T]) up(i int, v T) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(v, h.all[parent]) {
			break
		}
		h.set(i, h.all[parent])
		i = parent
	}
	h.set(i, v)
}

// down puts v below i, and reports whether it belongs there; if not, it is yet to be put anywhere.
func (h *indexed[T]) down(i int, v T) bool {
	from := i
	for {
		child := 2*i + 1
		if child >= len(h.all) {
			break
		}
		if right := child + 1; right < len(h.all) && h.less(h.all[right], h.all[child]) {
			child = right
		}
		if !h.less(h.all[child], v) {
			break
		}
		h.set(i, h.all[child])
		i = child
	}
	if i == from {
		return false
	}
	h.set(i, v)
	return true
}

func (h *indexed[T]) set(i int, v T) {
	h.all[i] = v
	*h.index(v) = i
}
