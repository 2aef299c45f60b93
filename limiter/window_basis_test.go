package limiter

import (
	"testing"
	"time"
)

// What is said of a length is surer than what was seen: nothing that makes a guess doubtful touches it.
func TestOnlyAGuessIsConfirmedAndDoubted(t *testing.T) {
	for basis, want := range map[lengthBasis]struct{ confirmed, doubted lengthBasis }{
		lengthGuessed:    {lengthConfirmed, lengthGuessed},
		lengthVague:      {lengthVague, lengthVague},
		lengthConfirmed:  {lengthConfirmed, lengthGuessed},
		lengthMeasured:   {lengthMeasured, lengthMeasured},
		lengthAsRule:     {lengthAsRule, lengthAsRule},
		lengthDeclared:   {lengthDeclared, lengthDeclared},
		lengthConfigured: {lengthConfigured, lengthConfigured},
	} {
		w := window{basis: basis}
		w.confirm()
		if w.basis != want.confirmed {
			t.Errorf("%d, confirmed, is %d, want %d", basis, w.basis, want.confirmed)
		}
		w.basis = basis
		w.doubt()
		if w.basis != want.doubted {
			t.Errorf("%d, doubted, is %d, want %d", basis, w.basis, want.doubted)
		}
	}
}

func TestAWindowTooShortToTellIsNoGateUntilItHasALength(t *testing.T) {
	w := newWindow("X-RateLimit-*", 0)
	w.setLimit(1, 1)
	w.setLength(time.Second)
	w.permits.keep(time.Second, 1)
	if at := w.readyAt(0, 0); at != time.Second {
		t.Fatalf("a window that is used up is ready at %v, want 1s", at)
	}
	w.tooShort()
	if at := w.readyAt(0, 0); at != 0 || !w.vague() || w.confirmed() {
		t.Errorf("it is ready at %v, vague %v, confirmed %v; want 0s, true, false", at, w.vague(), w.confirmed())
	}
	w.setLength(2 * time.Second)
	if w.vague() || w.basis != lengthGuessed {
		t.Errorf("with a length it rests on %d, want a guess", w.basis)
	}
}

// Of a lane that was never refused, and tells its limit, nothing is kept that only other lanes need.
func TestEvidenceIsKeptOnlyWhereItBegan(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	now := epoch
	for left100 := int64(99); left100 > 80; left100-- {
		answer(b, now, 200, left(100, left100, epoch.Add(10*time.Second)))
		now = now.Add(200 * time.Millisecond)
	}
	w := b.windows[0]
	if w.overuse != nil || w.withheld != nil || w.drain != nil || w.inferred != nil || b.explore.experience != nil || b.calls.jam != nil {
		t.Errorf("twenty accepted calls leave %+v, experience %v, jam %v", w, b.explore.experience, b.calls.jam)
	}
}
