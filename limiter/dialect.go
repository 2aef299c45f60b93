package limiter

import (
	"slices"
	"time"
)

// Dialect is what the responses of one host have taught together that no single one tells: the unit of a reset that was
// told as a bare number, and how far the host's clock is off ours. It is small, its fields are exported to be stored,
// and whatever they hold is safe to resolve with. The zero Dialect has learned nothing. It has one user at a time.
type Dialect struct {
	Resets [maxResets]ResetMemory `json:"resets,omitempty"`
	// Skews are the last measurements of the host's clock less ours, in milliseconds, the first Measured of them; the
	// next one goes to Turn.
	Skews    [9]int64 `json:"skews_ms,omitempty"`
	Measured uint8    `json:"measured,omitempty"`
	Turn     uint8    `json:"turn,omitempty"`
}

// maxResets bounds the windows whose resets are remembered; of more, the one that was seen longest ago is forgotten.
const maxResets = MaxWindows

// enoughSkews is how many measurements a median is believed from: Date is cut to the second, so one says little.
const enoughSkews = 5

// leastSkew is the least skew that is reckoned with: of less, Date, which is cut to the second, cannot tell.
const leastSkew = time.Second

// skewSlack is how far the median of such measurements may be off.
const skewSlack = 250 * time.Millisecond

// Resolve rereads the windows of a hint by what is known of the host, and learns from them. sent and received are those
// of the response the hint was read from; responses are best given in the order they were received. An Override's
// reset is the Reader's to apply, and stands: only what was read by its magnitude is reread.
func (d *Dialect) Resolve(h *Hint, sent, received time.Time) {
	if sent.IsZero() || sent.After(received) {
		sent = received
	}
	d.measure(h.Date, sent, received)
	skew, known := d.Skew()
	for i := range h.N {
		w := &h.Windows[i]
		switch {
		case !w.HasReset:
		case w.ResetForm.Absolute():
			if known && (skew > leastSkew || skew < -leastSkew) {
				w.place(exchange{sent: sent, received: received, skew: skew, skewKnown: true}, w.ResetForm)
			}
		case w.ResetForm == DeltaSeconds && !w.unitTold:
			m := d.memory(w, received)
			m.learn(w, sent, received)
			w.Unsure = m.Form == ResetUntold && w.Length == 0 && m.unsure(w.ResetRaw)
			w.Falls = m.Form == ResetUntold && m.Guess == DeltaMillis
			if m.Form != ResetUntold && m.Form != DeltaSeconds {
				w.place(exchange{sent: sent, received: received}, m.Form)
			}
		}
		if w.HasReset && w.ResetForm == DeltaMillis && h.HasRetryAfter {
			h.RetryAfter = sameInMillis(h.RetryAfter, w.ResetRaw)
		}
	}
}

// place reads a window's reset again, in a given form.
func (w *Window) place(x exchange, form ResetForm) {
	unit := form
	if form == ResetDate { // kept as Unix seconds
		unit = EpochSeconds
	}
	s, ok := stampOf(unit, w.ResetRaw, 0)
	if s.form = form; ok {
		w.ResetAt, w.Reset, ok = x.place(s)
	}
	if w.HasReset, w.ResetForm = ok, form; !ok {
		w.ResetAt, w.Reset, w.ResetRaw, w.ResetForm = time.Time{}, Interval{}, 0, ResetUntold
	}
}

// A bare number from doubtful on may be milliseconds: a second of them, or a quarter of an hour if it is seconds. A smaller one from
// undecided on may be, too, until it was compared: the rest of a second, or more than a minute.
const doubtful, undecided = 1000, 61

// unsure reports whether a value may be of milliseconds, for all that is known.
func (m *ResetMemory) unsure(raw float64) bool {
	from := max(raw, m.Raw) // what it fell from is as open
	return from >= doubtful || m.Guess == DeltaMillis || m.Guess == ResetUntold && from >= undecided
}

// Forms returns how each remembered reset is read: what of a dialect is worth saving as soon as it changes.
func (d *Dialect) Forms() (forms [maxResets]ResetForm) {
	for i := range d.Resets {
		forms[i] = d.Resets[i].Form
	}
	return forms
}

// measure takes what a Date says of the host's clock. It was written between sent and received, and cut to the second.
func (d *Dialect) measure(date, sent, received time.Time) {
	rtt := received.Sub(sent)
	if date.IsZero() || rtt > skewed {
		return
	}
	skew := date.Add(time.Second / 2).Sub(received.Add(-rtt / 2))
	d.Turn %= uint8(len(d.Skews))
	d.Skews[d.Turn] = skew.Milliseconds()
	d.Turn++
	d.Measured = min(max(d.Measured, d.Turn), uint8(len(d.Skews)))
}

// Skew returns how far the host's clock is ahead of ours: the median of the last measurements. known is false while
// there are too few of them.
func (d *Dialect) Skew() (skew time.Duration, known bool) {
	n := min(int(d.Measured), len(d.Skews))
	if n < enoughSkews {
		return 0, false
	}
	sorted := d.Skews
	slices.Sort(sorted[:n])
	const sane = int64(100 * 365 * 24 * time.Hour / time.Millisecond)
	return time.Duration(min(max(sorted[n/2], -sane), sane)) * time.Millisecond, true
}

// memory returns what is remembered of a window's reset.
func (d *Dialect) memory(w *Window, received time.Time) *ResetMemory {
	oldest := &d.Resets[0]
	for i := range d.Resets {
		m := &d.Resets[i]
		if m.Source == w.Source && m.Name == w.Name && m.Length == w.Length {
			return m
		}
		if m.At < oldest.At {
			oldest = m
		}
	}
	*oldest = ResetMemory{Source: w.Source, Name: w.Name, Length: w.Length, At: received.UnixMilli(), Raw: w.ResetRaw,
		Low:   w.ResetRaw,
		Limit: w.Limit}
	return oldest
}
