package limiter

import "time"

// What a field is for is read from the words of its name, so that the vendor nobody has heard of is understood as
// well: an optional prefix, "ratelimit" or "rate-limit", and around it words for the role (limit, remaining, reset, …),
// the period, the unit, and how the value is written. Only values that need a rule of their own have their names
// spelled out, in read_vendor.go.

// maxName bounds the names that are looked at; no field about limits has a longer one.
const maxName = 80

// role is what a field tells of its window. Where a name has several words for roles the later of these constants
// wins: "Limit-Remaining" is a Remaining.
type role uint8

const (
	noRole        role = iota
	roleBare           // the family's name alone: RateLimit, X-Rate-Limit, Zendesk-RateLimit-search
	roleLabel          // the window's name
	roleLimit          // calls per window
	rolePolicy         // the windows there are
	roleFill           // tokens that a bucket gains per interval, or second
	roleUnit           // what a length is told in, as a word
	roleLength         // of the window
	roleUsed           // calls made in it
	roleRemaining      // calls left in it
	roleReset          // its end
	roleRetry          // a delay, as in X-RateLimit-Retry-After
	roles
)

// rank orders the families: of two that tell the same, the lower one is believed.
type rank uint8

const (
	rankItems  rank = iota // RateLimit, everything in one field
	rankDraft              // RateLimit-*
	rankX                  // X-RateLimit-*
	rankXRate              // X-Rate-Limit-*
	rankVendor             // all others
)

// kind tells how a field is read.
type kind uint8

const (
	kindNone   kind = iota // it tells nothing of limits
	kindWindow             // by its role
	kindDelay
	kindDate
	kindAge
	kindCallsPerSecond
	kindSalesforce
	kindAzureResource
	kindMetaUsage
	kindTwilio
	kindStripe
)

// fieldName is what a field's name says.
type fieldName struct {
	kind      kind
	delay     uint8 // which of the delays, for kindDelay
	role      role
	rank      rank
	anchored  bool   // "ratelimit" or "quota" is in the name; otherwise it tells of limits only in the company of a Remaining
	telling   bool   // it says that calls are counted, or over what; what remains of whatever is no limit of calls
	bare      bool   // the anchor is a word that alone is no limit: a quota may be what there is, what was used, what is left
	family    uint64 // hash of the name up to the anchor
	prefix    int    // length of that part of the name
	qualifier uint64 // hash of the words that tell one window of the family from another
	from, to  int    // the first of these words that is neither period nor unit, in the name; empty: there is none
	period    time.Duration
	unit      string
	counted   string // unit of a Limit, a Remaining or a Used
	says      naming
	words     bool // its values are told in words, see read_prose.go
	weak      bool // role is one that any other word's goes before
}

// readName reads a name in lower case.
func readName(low []byte) fieldName {
	if f := special(low); f.kind != kindNone {
		return f
	}
	f := fieldName{rank: rankVendor, unit: UnitRequests, family: hashStart, qualifier: hashStart}
	anchor, at := findAnchor(low)
	if at > 0 {
		f.anchored, f.prefix, f.family, f.rank = true, at, hash(f.family, low[:familyEnd(low, anchor, at)]), rankOf(low[:at])
		f.bare = low[anchor] == 'q' || low[anchor] == 't'
		if !f.leads(low[:anchor]) {
			return fieldName{}
		}
	}
	if at == 0 {
		if at = rateEnd(low); at > 0 {
			f.prefix, f.family = at, hash(f.family, low[:at])
		}
	}
	for from, to, more := nextWord(low, at); more; from, to, more = nextWord(low, to) {
		m, end := meaningAt(low, from, to)
		if n, isNumber := digits(low[from:to]); isNumber && f.anchored && end == to && n >= shortestInName {
			m = meaning{period: lengthOf(float64(n), time.Second)}
		}
		to = end
		if m.ignore {
			return fieldName{}
		}
		if !f.anchored && f.role == noRole && m.strange == to-from && f.qualifier == hashStart {
			f.family, f.prefix = hash(f.family, low[from:to]), to
			continue
		}
		f.add(low, from, m)
	}
	return f.settled(low)
}

// leads takes in the words before the anchor. It reports false if they say that it is no limit of calls.
func (f *fieldName) leads(low []byte) bool {
	for from, to, more := nextWord(low, 0); more; from, to, more = nextWord(low, to) {
		m := meaningOf(low[from:to])
		if m.ignore { // X-Disk-Quota-…
			return false
		}
		if m.period > 0 { // X-Daily-RateLimit-…
			f.period = m.period
		}
	}
	return true
}

// settled is what all words of a name say together.
func (f fieldName) settled(low []byte) fieldName {
	switch {
	case f.otherDelay():
		f.kind, f.delay, f.says = kindDelay, delayOther, f.says&^relative
		return f
	case f.role == noRole && (!f.anchored || f.says&^seconds != 0 || f.counted != ""): // X-Throttle-Time-In-Millis
		return fieldName{}
	case f.role == noRole:
		f.role = roleBare
	case f.role == roleRetry && f.weak: // X-Available-Until
		return fieldName{}
	case f.role == roleRetry:
		f.kind, f.delay, f.says = kindDelay, delayXRateLimit, f.says&^relative
		return f
	case f.counted != "" && f.unit == UnitRequests && (f.role == roleLimit || f.role == roleRemaining || f.role == roleUsed):
		f.unit, f.qualifier = f.counted, hash(f.qualifier, []byte(f.counted)) // Dynamics' time-remaining
	case f.role == roleReset && inMillis(low[:f.prefix]):
		f.says |= millis
	}
	f.kind = kindWindow
	return f
}

// otherDelay reports whether the words say how long to wait without a word for it: X-RateLimit-After of governor's middlewares for Rust,
// X-RateLimit-Blocked-Until.
func (f *fieldName) otherDelay() bool {
	if f.role == noRole {
		return f.anchored && f.says&relative != 0 && f.counted == "" && f.qualifier == hashStart
	}
	return f.anchored && f.role == roleRetry && f.weak
}

// shortestInName is the least number that stands in a name for a window's seconds, as in Kong's X-RateLimit-Remaining-30
// (https://developer.konghq.com/plugins/rate-limiting-advanced/); below, it may count the windows.
const shortestInName = 5

// meaningAt looks up the word between two bounds, with the next one where both are a period: "24-hour". It returns where they end.
func meaningAt(low []byte, from, to int) (m meaning, end int) {
	m = meaningOf(low[from:to])
	n, isNumber := digits(low[from:to])
	if !isNumber || n == 0 {
		return m, to
	}
	nextFrom, nextTo, more := nextWord(low, to)
	if !more {
		return m, to
	}
	if period := lengthOf(float64(n), meaningOf(low[nextFrom:nextTo]).period); period > 0 {
		return meaning{period: period}, nextTo
	}
	return m, to
}

// add takes up the meaning of the word that begins at from.
func (f *fieldName) add(low []byte, from int, m meaning) {
	f.says |= m.says
	f.telling = f.telling || m.role == roleLimit && !m.weak || m.unit == UnitRequests || m.period > 0
	f.takeRole(m)
	if m.period > 0 {
		f.period = m.period
		f.qualifier = f.qualifier*31 + uint64(m.period)
	}
	if m.unit == unitTokens {
		switch string(low[f.from:f.to]) {
		case "api": // Trello's api-token is a credential, not what is counted
			m.unit = UnitRequests
		case "input":
			m.unit = "input-tokens"
		case "output":
			m.unit = "output-tokens"
		}
	}
	if m.counted != "" {
		f.counted = m.counted
	}
	if m.unit != "" {
		f.qualifier = hash(f.qualifier, []byte(m.unit))
		if f.unit == UnitRequests {
			f.unit = m.unit
		}
	}
	if m.strange > 0 {
		f.qualifier = hash(f.qualifier, low[from:from+m.strange])
		if f.to == f.from {
			f.from = from
		}
		if f.from == from || f.to == from-1 {
			f.to = from + m.strange
		}
	}
}

// takeRole has the role of a word go before that of the words before it, if it is the stronger one.
func (f *fieldName) takeRole(m meaning) {
	if m.role != noRole && (f.weak && !m.weak || f.weak == m.weak && m.role > f.role || f.role == noRole) {
		f.role, f.weak = m.role, m.weak
	}
}

// Speaks reports whether a field of this name is one that Reader.Field looks at for limits or waiting: what is worth keeping of
// a response's head.
func Speaks(name []byte) bool {
	return len(name) > len("date") && promising(name)
}
