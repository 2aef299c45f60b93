package limiter

import (
	"bytes"
	"time"
)

// group is the fields of one response that describe one window, or one set of windows told in parallel lists.
type group struct {
	fieldName
	name  []byte // of the field that was seen first
	cells [roles]cell
}

// cell is one field.
type cell struct {
	name, value []byte
	says        naming
}

// put stores a field. A field that is repeated is one list (RFC 9110 section 5.3). Of two names for one thing the
// more explicit is kept, X-RateLimit-Reset-After over X-RateLimit-Reset; else one that tells a number, a Remaining over
// a Status of "ok"; else the shorter, RateLimit-Reset over RateLimit-ResetTime.
func (c *cell) put(name, value []byte, says naming) {
	switch {
	case len(c.value) == 0:
	case equalFold(name, c.name):
		c.value = bytes.Join([][]byte{c.value, value}, []byte(", "))
		return
	case (says&^seconds != 0) != (c.says&^seconds != 0):
		if says&^seconds == 0 {
			return
		}
	case bytes.ContainsAny(value, "0123456789") != bytes.ContainsAny(c.value, "0123456789"):
		if bytes.ContainsAny(c.value, "0123456789") {
			return
		}
	case len(name) >= len(c.name):
		return
	}
	c.name, c.value, c.says = name, value, says
}

// windows finds the windows that a group's fields describe.
func (r *Reader) windows(g *group) {
	base := Window{
		Limit: Unknown, Remaining: Unknown, Length: g.period, Unit: g.unit, Source: r.source(g),
		Name: r.intern(g.cells[roleLabel].value),
	}
	if base.Name == "" {
		base.Name = r.intern(g.name[g.from:g.to])
	}
	if length := r.length(g); length > 0 {
		base.Length = length
	}
	burstAndRate(g)
	r.filled(g, base.Length)
	for _, told := range [...]role{roleBare, roleLimit, roleRemaining} {
		if c := &g.cells[told]; len(c.value) > 0 && (g.words || isProse(c.value)) {
			r.prose(g, base, c.value, told)
			c.value = nil
		}
	}
	policies := &r.lists[0]
	policies.read(g.cells[rolePolicy].value)
	if v := g.cells[roleBare].value; len(v) > 0 && !r.structured(g, base, v) && (g.from == g.to || len(g.cells[roleUsed].value) > 0) {
		if g.bare && len(g.cells[roleRemaining].value) == 0 && len(g.cells[roleLimit].value) == 0 {
			return
		}
		g.cells[roleLimit].put(g.name, v, 0)
	}
	if v := g.cells[roleLimit].value; !bytes.HasPrefix(v, []byte("b=")) || !r.structured(g, base, v) {
		r.counted(g, base, policies)
	}
	r.unclaimed(g, base, policies)
}

// burstAndRate takes apart a limit told as what a bucket holds and how many calls a second fill it, burst:100;rate:10.0 (Qomon's).
func burstAndRate(g *group) {
	c := &g.cells[roleLimit]
	value, found := bytes.CutPrefix(c.value, []byte("burst:"))
	if burst, rate, both := bytes.Cut(value, []byte(";rate:")); found && both {
		c.value = burst
		g.cells[roleFill].put(c.name, rate, 0)
	}
}

// filled reads at which rate a bucket is filled. Spring Cloud Gateway: per second; Atlassian Data Center: per interval.
func (r *Reader) filled(g *group, interval time.Duration) {
	v, _, ok := parseNumber(g.cells[roleFill].value)
	if !ok || !g.anchored || v <= 0 || v > maxCount {
		return
	}
	if r.rate = v; interval > 0 {
		r.rate /= interval.Seconds()
	}
}

// unclaimed finds the windows of which only a policy tells.
func (r *Reader) unclaimed(g *group, base Window, policies *itemList) {
	for i := range policies.n {
		p := &policies.at[i]
		if p.taken || p.length == 0 || !p.told {
			continue
		}
		w := base
		w.Name, w.Length = r.intern(p.name), p.length
		w.setCounts(p)
		if p.unit != nil {
			w.Unit = r.intern(p.unit)
		}
		r.found.add(w, g)
	}
}

// length reads how long a window is: a number of a unit that is told beside it, seconds where it is not; a word; or a duration. A family
// that tells its end in milliseconds tells a number of thousands in them, too (HTX: ratelimit-interval).
func (r *Reader) length(g *group) time.Duration {
	value, unit := g.cells[roleLength].value, time.Second
	if word := g.cells[roleUnit].value; len(word) > 0 {
		unit = wordLength(word)
		if len(value) == 0 || unit == 0 {
			return unit
		}
	}
	if len(value) == 0 {
		return 0
	}
	if v, _, ok := parseNumber(value); ok && v >= 1000 {
		if end, told := parseStamp(g.cells[roleReset].value, 0, r.exchange.received); told && end.form == EpochMillis {
			unit = time.Millisecond
		}
	}
	if g.cells[roleLength].says&millis != 0 {
		unit = time.Millisecond
	}
	if length := parseLength(value, unit); length > 0 {
		return length
	}
	return wordLength(value)
}

// counted reads the trio: Limit, Remaining (or Used) and Reset as fields of their own.
func (r *Reader) counted(g *group, base Window, policies *itemList) {
	limits, left := &r.lists[1], &r.lists[2]
	limits.read(g.cells[roleLimit].value)
	usage := len(g.cells[roleRemaining].value) == 0
	if usage {
		left.read(g.cells[roleUsed].value)
	} else {
		left.read(g.cells[roleRemaining].value)
	}
	reset := &g.cells[roleReset]
	if left.n >= 2 || limits.n >= 2 && limits.at[0].length > 0 && left.n == 0 {
		r.parallel(g, base, policies, usage)
		return
	}
	w := base
	if limits.n > 0 {
		w.setCounts(&limits.at[0])
		w.Length = max(w.Length, limits.at[0].length)
	}
	if left.n > 0 {
		w.Length = max(w.Length, left.at[0].length)
		if usage && left.at[0].used >= 0 { // 10/60
			w.setCounts(&left.at[0])
		} else if usage {
			w.setUsed(left.at[0].count, left.at[0].told)
		} else if left.at[0].used >= 0 { // 9/10 remain
			w.setLimit(left.at[0].count, true)
			w.setRemaining(left.at[0].used, true)
		} else {
			w.setRemaining(left.at[0].count, left.at[0].told)
			if u, ok := parseCount(g.cells[roleUsed].value); ok && u >= 0 && w.Limit == Unknown && w.Remaining >= 0 {
				w.Limit = min(w.Remaining+u, maxCount)
			}
		}
	}
	for i := 1; i < limits.n; i++ { // drafts 00 to 03 tell their policies behind the limit
		policies.add(limits.at[i])
	}
	// Told, but as "-1" or "unlimited": there is no window to end.
	said := limits.n > 0 && left.n > 0
	if !said || w.Limit != Unknown || w.Remaining != Unknown {
		r.setReset(&w, reset.value, reset.says)
		r.adopt(&w, policies)
	}
	r.found.add(w, g)
}

// parallel reads lists of equal length: the first Limit with the first Remaining and the first Reset, and so on.
func (r *Reader) parallel(g *group, base Window, policies *itemList, usage bool) {
	limits, left := &r.lists[1], &r.lists[2]
	resets := g.cells[roleReset].value
	for i := range max(left.n, limits.n) {
		w := base
		m, rest, _ := nextMember(resets)
		resets = rest
		if i < limits.n {
			l := &limits.at[i]
			w.setCounts(l)
			if l.length > 0 {
				w.Length = l.length
			}
		}
		if u := left.match(i, w.Length); u != nil {
			if u.length > 0 {
				w.Length = u.length
			}
			if usage {
				w.setUsed(u.count, u.told)
			} else {
				w.setRemaining(u.count, u.told)
			}
		}
		if i < policies.n && policies.n == max(left.n, limits.n) {
			policies.at[i].taken = true
			w.Length = policies.at[i].length
		}
		if usage && w.Length == 0 && i < len(stravaPeriods) && left.n == len(stravaPeriods) {
			w.Length = stravaPeriods[i]
		}
		if w.Limit == 0 && w.Remaining <= 0 {
			continue // in a list, 0 is a window without a limit
		}
		r.setReset(&w, m.value, g.cells[roleReset].says)
		r.found.add(w, g)
	}
}

// policyOf is the policy of a window: the one whose quota is the limit and that is no shorter than the time until the reset, else the only
// one there is; nil: none.
func (r *Reader) policyOf(w *Window, policies *itemList) *item {
	var best *item
	for i := range policies.n {
		p := &policies.at[i]
		if p.taken || p.length == 0 || !p.told || p.count != w.Limit {
			continue
		}
		fits := !w.HasReset || w.ResetAt.Sub(r.exchange.received) <= p.length
		if best == nil || fits && p.length < best.length {
			best = p
		}
	}
	if best == nil && policies.n == 1 && !policies.at[0].taken {
		best = &policies.at[0]
	}
	return best
}

// adopt gives a window without a length that of its policy. A limit of 0 is for the moment and is no policy's.
func (r *Reader) adopt(w *Window, policies *itemList) {
	if w.Length > 0 || w.Limit == 0 {
		return
	}
	best := r.policyOf(w, policies)
	if longer := r.outlasting(w, best, policies); longer != nil {
		best, w.Limit = longer, longer.count
	}
	if best == nil {
		return
	}
	// A policy of fewer calls than the limit is a gate of its own, too: the limit is what a bucket holds, the policy how it is filled.
	best.taken = w.Limit == Unknown || !best.told || best.count >= w.Limit
	w.Length = best.length
	switch {
	case w.Limit == Unknown:
		w.setCounts(best)
	case best.told && best.count > w.Limit:
		w.Quota = best.count
	}
	if best.unit != nil {
		w.Unit = r.intern(best.unit)
	}
	if w.Name == "" {
		w.Name = r.intern(best.name)
	}
	for i := range policies.n { // a policy that is told twice is one
		if p := &policies.at[i]; p.count == best.count && p.length == best.length {
			p.taken = best.taken
		}
	}
}

// outlasting returns the policy that what is left and the reset are of, when they cannot be of the one that the limit is of: more
// is left than that allows, or the reset is further off than it is long. Klaviyo tells the limit of its short window first, and
// of the long one what is left and its end (https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling).
func (r *Reader) outlasting(w *Window, of *item, policies *itemList) (longer *item) {
	const rounding = 2 * time.Second
	until := time.Duration(0)
	if w.HasReset {
		until = w.ResetAt.Sub(r.exchange.received)
	}
	if of == nil || of.count != w.Limit || w.Remaining <= of.count && until <= of.length+rounding {
		return nil
	}
	for i := range policies.n {
		p := &policies.at[i]
		if p.told && p.unit == nil && p.length > of.length && p.count >= max(w.Remaining, of.count) && until <= p.length+rounding &&
			(longer == nil || p.length < longer.length) {
			longer = p
		}
	}
	return longer
}

// setReset reads the end of a window. A delay that no window is long enough for was told in milliseconds.
func (r *Reader) setReset(w *Window, value []byte, says naming) {
	if len(value) == 0 {
		return
	}
	s, ok := r.stamp(value, says)
	unitTold := says&unitTold != 0
	if o := r.override; ok && o != nil && o.Reset.unit() > 0 && s.form.unit() > 0 {
		s, ok = stampOf(o.Reset, s.raw, 0)
		unitTold = true
	}
	if !ok {
		return
	}
	if s.form == DeltaSeconds && s.wait > MaxReset {
		if s, ok = stampOf(DeltaMillis, s.raw, 0); !ok {
			return
		}
	}
	if w.ResetAt, w.Reset, w.HasReset = r.exchange.place(s); w.HasReset {
		w.ResetRaw, w.ResetForm, w.unitTold = s.raw, s.form, unitTold
	}
}
