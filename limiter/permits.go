package limiter

import (
	"slices"
	"time"
)

// maxSlots is how finely a window remembers: up to this many calls one by one; a larger limit groups them into slices
// of window/maxSlots, released at the slice's end, which costs at most that part of the allowance.
const maxSlots = 1024

// fewestSlots is how many are made at first: most lanes have little to remember.
const fewestSlots = 4

// permits counts the calls that a destination may still hold against a window. A permit is taken while a call is in
// flight, kept from its end until the call has certainly left the window, and then free.
//
// Invariant: head, free and tail follow each other in this order, though they wrap; slots are in order of their release;
// used is the sum of those in [free, tail).
type permits struct {
	ring             []slot // its length is a power of two
	head, free, tail uint32 // slots [head, free) were released, but later than the last trim
	returned         uint32 // permits released since the last change of the window's length, as far as it matters
	back             uint32 // permits released since the freshest response
	slice            uint32 // releases are rounded up to multiples of so many microseconds; 0: exact
	used             int64  // permits not yet released
	kept             int64  // permits in [head, tail)
	backAt           tick   // when the first of back was
}

// slot is n permits released at one instant.
type slot struct {
	at tick
	n  int64
}

func (p *permits) slot(i uint32) *slot { return &p.ring[int(i)&(len(p.ring)-1)] }

// resize sets how finely to remember calls of a window.
func (p *permits) resize(limit int64, per time.Duration) {
	p.slice = 0
	if limit > maxSlots {
		p.slice = uint32(max(time.Microsecond, min(per, maxWindow)/maxSlots) / time.Microsecond) //nolint:gosec // at most 44 minutes
	}
}

// keep counts n permits as used until an instant. Releases never overtake each other: one that would is held back.
func (p *permits) keep(at tick, n int64) {
	if n <= 0 {
		return
	}
	if slice := tick(p.slice) * time.Microsecond; slice > 0 {
		at += slice - 1
		at -= at % slice
	}
	p.used += n
	p.kept += n
	if p.tail != p.free {
		last := p.slot(p.tail - 1)
		at = max(at, last.at)
		if at == last.at {
			last.n += n
			return
		}
	}
	if int(p.tail-p.head) == len(p.ring) {
		p.grow()
	}
	*p.slot(p.tail) = slot{at, n}
	p.tail++
}

func (p *permits) grow() {
	bigger := make([]slot, max(fewestSlots, 2*len(p.ring)))
	n := uint32(0)
	for i := p.head; i != p.tail; i++ {
		bigger[n] = *p.slot(i)
		n++
	}
	p.free -= p.head
	p.head, p.tail, p.ring = 0, n, bigger
}

// clone returns a copy that shares nothing.
func (p *permits) clone() permits {
	c := *p
	c.ring = slices.Clone(p.ring)
	return c
}

// advance releases what is due.
func (p *permits) advance(now tick) {
	for p.free != p.tail && p.slot(p.free).at <= now {
		n := p.slot(p.free).n
		p.used -= n
		few := uint32(min(n, maxLimit)) //nolint:gosec // slots hold no negative numbers
		p.returned = min(p.returned+few, maxLimit)
		if p.back == 0 {
			p.backAt = p.slot(p.free).at
		}
		p.back = min(p.back+few, maxLimit)
		p.free++
	}
}

// trim forgets what was released by an instant, and returns how many permits were not: the calls of ours that a
// destination may count when it sees a call sent at that instant.
func (p *permits) trim(sent tick) int64 {
	for p.head != p.free && p.slot(p.head).at <= sent {
		p.kept -= p.slot(p.head).n
		p.head++
	}
	return p.kept
}

// releaseOf returns when n more permits will be free, never when fewer are used.
func (p *permits) releaseOf(n int64) tick {
	if n > p.used {
		return never
	}
	for i := p.free; i != p.tail; i++ {
		if n -= p.slot(i).n; n <= 0 {
			return p.slot(i).at
		}
	}
	return never
}

// leftAt returns when the first permit was or will be released since back was set to 0; when none is used, an instant so far away that
// it never comes, and to which a time can be added.
func (p *permits) leftAt() tick {
	switch {
	case p.back > 0:
		return p.backAt
	case p.free == p.tail:
		return never / 2
	}
	return p.slot(p.free).at
}

// shift moves every release, as when the window turns out longer (d > 0) or shorter.
func (p *permits) shift(d tick) {
	for i := p.head; i != p.tail; i++ {
		p.slot(i).at += d
	}
	p.free, p.used, p.returned = p.head, p.kept, 0
}
