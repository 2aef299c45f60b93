package matrix

import "time"

// naiveWorkers is how many workers the naive client has, where its cap allows them.
const naiveWorkers = 8

// Naive is what most clients that read headers do: workers that send one call after another while the last response
// says that something remains, and sleep until the reset when nothing does, or as long as a refusal asks.
var Naive = &Kind{Name: "naive headers", New: func(c *Cell, _ time.Time) Sender {
	return &naive{idle: min(naiveWorkers, c.Workers)}
}}

type naive struct {
	idle    int       // workers without a call
	until   time.Time // all sleep
	reading reading
}

// Next implements Sender.
func (n *naive) Next(now time.Time) (begin int, wake time.Time) {
	if n.until.After(now) {
		return 0, n.until
	}
	begin, n.idle = n.idle, 0
	return begin, time.Time{}
}

// Ended implements Sender.
func (n *naive) Ended(now time.Time, r *Response) {
	n.idle++
	if r.Refused() {
		wait := now.Add(n.reading.wait(r))
		if h := &n.reading.hint; !h.HasRetryAfter && h.N > 0 && h.Windows[0].HasReset {
			wait = h.Windows[0].ResetAt
		}
		n.until = later(n.until, wait)
		return
	}
	if h := n.reading.read(r); h != nil {
		if w := h.Binding(); w != nil && w.Remaining == 0 && w.HasReset {
			n.until = later(n.until, w.ResetAt)
		}
	}
}
