package matrix

// heap is a binary heap, the least first.
type heap[T any] struct {
	items []T
	less  func(a, b T) bool
}

func (h *heap[T]) len() int { return len(h.items) }
func (h *heap[T]) first() T { return h.items[0] }

func (h *heap[T]) push(v T) {
	h.items = append(h.items, v)
	a := h.items
	for i := len(a) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(a[i], a[up]) {
			return
		}
		a[i], a[up] = a[up], a[i]
		i = up
	}
}

func (h *heap[T]) pop() T {
	var none T
	a := h.items
	least, n := a[0], len(a)-1
	a[0], a[n] = a[n], none
	a = a[:n]
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			break
		}
		if right := down + 1; right < n && h.less(a[right], a[down]) {
			down = right
		}
		if !h.less(a[down], a[i]) {
			break
		}
		a[i], a[down] = a[down], a[i]
		i = down
	}
	h.items = a
	return least
}
