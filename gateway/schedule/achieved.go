package schedule

import "time"

// achievedOver is how far back the rate counts at which a lane's calls began, in seconds.
const achievedOver = 10

// tally counts the calls of the last seconds.
type tally struct {
	second int64 // Unix, of the latest call
	began  int64 // Unix, of the first call after a time without any
	calls  [achievedOver + 1]uint32
}

func (t *tally) add(now time.Time) {
	second := now.Unix()
	t.advance(second)
	t.calls[uint64(second)%uint64(len(t.calls))]++ //nolint:gosec // only the slot
}

// advance empties the seconds that have passed since the latest call.
func (t *tally) advance(second int64) {
	switch passed := second - t.second; {
	case passed <= 0:
		return
	case passed > achievedOver:
		*t = tally{began: second}
	default:
		for s := t.second + 1; s <= second; s++ {
			t.calls[uint64(s)%uint64(len(t.calls))] = 0 //nolint:gosec // only the slot
		}
	}
	t.second = second
}

// rate returns the calls a second over the last full seconds, as many as there were since calls began.
func (t *tally) rate(now time.Time) float64 {
	if t == nil {
		return 0
	}
	second := now.Unix()
	past := *t
	past.advance(second)
	full := min(second-past.began, achievedOver)
	if full <= 0 {
		return float64(past.calls[uint64(second)%uint64(len(past.calls))]) //nolint:gosec // only the slot
	}
	sum := uint32(0)
	for s := second - full; s < second; s++ {
		sum += past.calls[uint64(s)%uint64(len(past.calls))] //nolint:gosec // only the slot
	}
	return float64(sum) / float64(full)
}
