package limiter

import (
	"time"
	"unicode/utf8"
)

// Reader reads responses, one after another: Reset, then Field for every header field, Body where there is one to look
// at, then Hint. It has one user at a time, who keeps it from response to response: what it keeps are the few strings
// that hints share, so that reading the common families allocates nothing. The zero Reader is ready.
//
// It never fails: a field that is malformed is as if it were not there (draft-ietf-httpapi-ratelimit-headers, section
// "Receiving RateLimit fields").
type Reader struct {
	status   int
	exchange exchange
	override *Override

	cached  bool   // the response has a positive Age
	date    []byte // the Date field
	delays  [delaySources]cell
	body    []byte
	rate    float64
	regain  time.Duration // until access is regained, as Meta tells
	groups  [maxGroups]group
	n       int // groups in use
	found   candidates
	lists   [3]itemList
	names   map[string]*fieldName
	strings map[string]string

	concurrency bool
}

// maxGroups bounds the windows looked at in one response; what comes behind is dropped.
const maxGroups = 12

// Reset begins a response: its status, when its request was sent and when its head was received. An unknown sent may
// be zero.
func (r *Reader) Reset(status int, sent, received time.Time) {
	if sent.IsZero() || sent.After(received) {
		sent = received
	}
	r.status, r.exchange = status, exchange{sent: sent, received: received}
	r.cached, r.date, r.body, r.rate, r.regain, r.concurrency = false, nil, nil, 0, 0, false
	r.delays = [delaySources]cell{}
	r.n, r.found.n = 0, 0
}

// Use sets what the configuration says of the host, from now on and for later responses too; nil: nothing.
func (r *Reader) Use(o *Override) { r.override = o }

// Field takes one header field. Neither slice is changed or kept beyond Hint; until then both must stay as they are.
func (r *Reader) Field(name, value []byte) {
	if len(value) == 0 || !promising(name) {
		return
	}
	f := r.fieldName(name)
	switch f.kind {
	case kindNone:
	case kindWindow:
		if g := r.group(f, name); g != nil {
			g.cells[f.role].put(name, value, f.says)
		}
	case kindDelay:
		r.delay(f, name, value)
	case kindDate:
		r.date = value
	case kindAge: // RFC 9111 section 5.1
		if v, _, ok := parseNumber(value); ok && v > 0 {
			r.cached = true
		}
	default:
		r.vendor(f.kind, name, value)
	}
}

// fieldName returns what a name says. Hosts send the same names again and again, so what was read is kept, except where
// an override has a say in it.
func (r *Reader) fieldName(name []byte) *fieldName {
	if r.override == nil {
		if f, ok := r.names[string(name)]; ok {
			return f
		}
	}
	var buf [maxName]byte
	low := buf[:len(name)]
	for i, c := range name {
		low[i] = fold(c)
	}
	f := readName(low)
	if r.override.ignores(low) || !r.override.believes(&f, low) {
		f.kind = kindNone
	}
	const most = 512
	if r.override == nil && len(r.names) < most {
		if r.names == nil {
			r.names = make(map[string]*fieldName)
		}
		r.names[string(name)] = &f
	}
	return &f
}

// Body takes the response's body, or its beginning, for the retry_after that some destinations write there. It is
// looked at only where the status lets a destination ask for a delay.
func (r *Reader) Body(b []byte) { r.body = b }

// Hint tells what the response said, and what it did not: *h is overwritten.
func (r *Reader) Hint(h *Hint) {
	*h = Hint{}
	if h.RetryAfter, h.HasRetryAfter = r.retryAfter(); h.HasRetryAfter {
		h.RetryIn = r.retryIn(h.RetryAfter)
	}
	if !r.cached { // counts that a cache stored say nothing of now
		for i := range r.n {
			r.windows(&r.groups[i])
		}
		h.N = r.found.pick(&h.Windows)
		r.endsAtRetry(h)
		if h.HasRetryAfter {
			h.RetryAfter = r.thousandth(h.RetryAfter, h.Binding())
		}
		h.Rate = r.rate
		h.Concurrency = r.concurrency || r.zeroLimit(h)
	}
	h.Date = r.exchange.date
}

// zeroLimit reports Okta's way of saying that too many calls ran at once: 429 with Limit 0 and Remaining 0
// (https://developer.okta.com/docs/reference/rl-additional-limits/, "Concurrent rate limits").
func (r *Reader) zeroLimit(h *Hint) bool {
	b := h.Binding()
	return r.status == 429 && b != nil && b.Limit == 0 && b.Remaining == 0 && b.Source == sourceXRate
}

// promising reports whether a field could tell of limits: almost every field of almost every response is turned away
// here, by looking for the beginning of a word that such names have.
func promising(name []byte) bool {
	switch len(name) {
	case 0, 1, 2:
		return false
	case 3:
		return equalFold(name, "age")
	case 4:
		return equalFold(name, "date") || equalFold(name, "x-rl")
	case len("x-ttl"):
		if equalFold(name, "x-ttl") {
			return true
		}
	case len("x-current-token-count"):
		if equalFold(name, "x-current-token-count") {
			return true
		}
	case len("x-next-replenishment-time"):
		if equalFold(name, "x-next-replenishment-time") {
			return true
		}
	}
	if len(name) > maxName {
		return false
	}
	for i := range len(name) - 3 {
		switch uint32(name[i]|0x20)<<24 | uint32(name[i+1]|0x20)<<16 | uint32(name[i+2]|0x20)<<8 | uint32(name[i+3]|0x20) {
		case 'l'<<24 | 'i'<<16 | 'm'<<8 | 'i', // limit
			'l'<<24 | 'e'<<16 | 'f'<<8 | 't', // left
			'r'<<24 | 'e'<<16 | 't'<<8 | 'r', // retry
			'r'<<24 | 'e'<<16 | 'm'<<8 | 'a', // remaining
			'r'<<24 | 'e'<<16 | 's'<<8 | 'e', // reset
			'r'<<24 | 'a'<<16 | 't'<<8 | 'e', // rate
			'q'<<24 | 'u'<<16 | 'o'<<8 | 't', // quota
			'q'<<24 | 'p'<<16 | 's'<<8 | '-',
			'b'<<24 | 'u'<<16 | 'c'<<8 | 'k', // bucket
			'u'<<24 | 's'<<16 | 'a'<<8 | 'g', // usage
			'u'<<24 | 's'<<16 | 'e'<<8 | 'd',
			't'<<24 | 'h'<<16 | 'r'<<8 | 'o', // throttle
			'a'<<24 | 'v'<<16 | 'a'<<8 | 'i', // available
			'c'<<24 | 'o'<<16 | 'n'<<8 | 'c': // concurrent
			return true
		}
	}
	return false
}

// group returns the fields of one window, or nil when the response describes too many.
func (r *Reader) group(f *fieldName, name []byte) *group {
	for i := range r.n {
		if g := &r.groups[i]; g.family == f.family && g.qualifier == f.qualifier {
			if f.anchored && !g.anchored { // Request-Rate-Count, and then Request-Rate-Limit
				g.fieldName, g.name = *f, name
			}
			return g
		}
	}
	if r.n == maxGroups {
		return nil
	}
	g := &r.groups[r.n]
	r.n++
	*g = group{fieldName: *f, name: name}
	return g
}

// maxLabel bounds what is kept of a window's name and unit, in bytes: the destination chooses them, and lanes keep them.
const maxLabel = 128

// label cuts a name or a unit to maxLabel, before a rune that would be cut.
func label[T string | []byte](s T) T {
	if len(s) <= maxLabel {
		return s
	}
	n := maxLabel
	for n > maxLabel-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// intern returns b, or as much of it as is kept, as a string that is allocated only the first time. It stops to remember when
// the strings are too many to be anything but random.
func (r *Reader) intern(b []byte) string {
	b = label(b)
	if len(b) == 0 {
		return ""
	}
	if s, ok := r.strings[string(b)]; ok {
		return s
	}
	const most = 256
	s := string(b)
	if len(r.strings) < most {
		if r.strings == nil {
			r.strings = make(map[string]string)
		}
		r.strings[s] = s
	}
	return s
}
