package limiter

import "time"

// windowOf finds the window that a response speaks of; nil when it is another than those known. A destination with
// several windows may tell only of the one that binds, each time under the same name: then the limit tells them apart,
// unless more remains than the known one allows, which means that it has changed.
func (b *Budget) windowOf(said *Window) *window {
	limit := max(said.Limit, said.Quota)
	var other *window
	others := 0
	for _, w := range b.windows {
		if w.configured() || w.source != said.Source || w.name != said.Name {
			continue
		}
		if w.declared() && said.Length > 0 {
			if w.toldLength() == min(max(said.Length, minWindow), maxWindow) {
				return w
			}
			continue
		}
		if limit == Unknown || w.limit == limit {
			return w
		}
		other = w
		others++
	}
	if other != nil && (said.Remaining > other.limit || said.Remaining == Unknown || others >= mostTwins) {
		return other
	}
	return nil
}

// addWindow takes up a window that was told of for the first time.
func (b *Budget) addWindow(now tick, said *Window) *window {
	w := newWindow(said.Source, now)
	w.name = said.Name
	for _, twin := range b.windows {
		if !twin.configured() && twin.source == said.Source && twin.name == said.Name {
			w.twin, twin.twin = true, true
		}
	}
	if said.Length == 0 {
		b.likeKnown(w, said)
	}
	b.forgetInferred()
	b.windows = append(b.windows, w)
	return w
}

// likeKnown takes over what is known of a window whose length is not told: from the longest configured one of the same
// limit, else from one that the same name stood for before.
func (b *Budget) likeKnown(w *window, said *Window) {
	for _, rule := range b.windows {
		if rule.configured() && rule.limit == max(said.Limit, said.Quota) && rule.per > w.per {
			w.likeRule(rule, b.cfg.Share)
		}
	}
	if w.basis == lengthAsRule {
		return
	}
	for _, twin := range b.windows {
		if !twin.configured() && twin.source == said.Source && twin.name == said.Name && twin.per > 0 && alike(twin.limit, said) {
			w.permits = twin.permits.clone() // the calls counted there count here, too
			w.per, w.guess.longest, w.run.from = twin.per, twin.guess.longest, twin.run.from
			return
		}
	}
}

// alike reports whether two limits may be of one window before and after a change, by no more than a factor of five.
func alike(was int64, said *Window) bool {
	is := max(said.Limit, said.Quota)
	return is <= 5*was && was <= 5*is
}

// dropSilent forgets windows of which the destination no longer speaks, or that it has outgrown.
func (b *Budget) dropSilent(now tick, h *Hint) {
	learned := 0
	for i := len(b.windows) - 1; i >= 0; i-- {
		w := b.windows[i]
		if w.configured() {
			continue
		}
		learned++
		if learned > maxLearned || now-w.toldAt > max(w.silence(), 2*w.per) || b.outgrown(w, h) {
			b.windows = append(b.windows[:i], b.windows[i+1:]...)
		}
	}
}

// outgrown reports whether more remains of a window of the same name than this one allows: its limit was raised. But if only
// refusals told of this one, and the other was known before it, there are two.
func (b *Budget) outgrown(w *window, h *Hint) bool {
	for i := range h.N {
		said := &h.Windows[i]
		if !w.declared() && said.Source == w.source && said.Name == w.name && said.Limit != w.limit && said.Remaining > w.limit {
			other := b.windowOf(said)
			return w.timing != allOnRefusal || other == nil || other == w || other.since >= w.since
		}
	}
	return false
}

// maxLearned bounds the windows kept of one lane; a destination that names ever new ones would fill the memory.
const maxLearned = 2 * MaxWindows

// mostTwins bounds the windows that are told by one name; a destination that tells ever new limits has but one.
const mostTwins = 3

// silence is how long a window is kept of which nothing is said: of two that go by one name, only one is told at a time.
func (w *window) silence() time.Duration {
	if w.twin {
		return longSilence
	}
	return idle
}

// longSilence is how long that may go on.
const longSilence = 24 * time.Hour
