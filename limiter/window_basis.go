package limiter

// lengthBasis is what a window's length rests on, the surer the later in this list.
type lengthBasis uint8

const (
	lengthGuessed    lengthBasis = iota // on resets, or on refusals; or it is not known yet
	lengthVague                         // it is too short for resets to tell, and not known: refusals find the pace, or a drain measures it
	lengthConfirmed                     // guessed, and permits came back since when the destination's own count said so
	lengthMeasured                      // by how fast what remains falls; window_drain.go
	lengthAsRule                        // it is taken for the configured window of the same limit
	lengthDeclared                      // the destination says it
	lengthConfigured                    // the operator does, and the limit, too
)

// configured reports whether the window is the operator's.
func (w *window) configured() bool { return w.basis == lengthConfigured }

// declared reports whether the length was said. Otherwise it is a guess, or was measured.
func (w *window) declared() bool { return w.basis >= lengthAsRule }

// confirmed reports whether permits may be trusted. Until then a guessed window is held to Remaining as well, and gets no credit
// for the passing of time before the reset.
func (w *window) confirmed() bool { return w.basis >= lengthConfirmed }

// vague reports whether the window is too short to tell its length.
func (w *window) vague() bool { return w.basis == lengthVague }

// confirm takes a guess for right.
func (w *window) confirm() {
	if w.basis == lengthGuessed {
		w.basis = lengthConfirmed
	}
}

// doubt takes it for a guess again.
func (w *window) doubt() {
	if w.basis == lengthConfirmed {
		w.basis = lengthGuessed
	}
}

// forgetLength makes the window one whose length is not known, and so no gate.
func (w *window) forgetLength() { w.per, w.run.n = 0, w.ledger.untold }

// tooShort takes it that the window is shorter than can be told.
func (w *window) tooShort() {
	w.forgetLength()
	w.basis = lengthVague
}

// likeRule takes a window for the configured one of the same limit, and so for as long.
func (w *window) likeRule(rule *window, share float64) {
	w.basis = lengthAsRule
	w.setLimit(rule.limit, share)
	w.setLength(rule.per)
	w.permits = rule.permits.clone() // the calls counted there count here, too
}

// notAsRule takes that back.
func (w *window) notAsRule() { w.basis = lengthGuessed }
