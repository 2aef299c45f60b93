package limiter

import (
	"bytes"
	"time"
)

// Units other than calls that destinations count; a window of these is told, but never binds.
const (
	unitTokens     = "tokens"
	unitBytes      = "content-bytes"       // as the RFC drafts name it
	unitConcurrent = "concurrent-requests" // as the RFC drafts name it
	unitPercent    = "percent"
	unitTime       = "time"
)

// meaning is what one word of a field's name means. The zero meaning: nothing (time, per, api).
type meaning struct {
	role    role
	weak    bool // the role counts only when no other word has one
	ignore  bool // the field tells nothing of a window
	says    naming
	period  time.Duration
	unit    string
	counted string // the unit, where what the field tells is counted and no instant
	strange int    // how many of the word's first bytes name a window: the user of "userlimit"
}

// meaningOf looks a word up, in lower case. A word that is not known names a window.
func meaningOf(w []byte) meaning {
	switch string(w) {
	case "limit", "max", "maximum", "total", "quota", "allowed", "allotted", "capacity", "limits":
		return meaning{role: roleLimit}
	case "remaining", "remain", "left", "available", "status":
		return meaning{role: roleRemaining}
	case "reset", "resets", "resettime", "resetat", "resetsat", "next", "expiry", "expire", "expires", "expiration", "end",
		"ends":
		return meaning{role: roleReset}
	case "resetafter", "resetin", "ttl":
		return meaning{role: roleReset, says: relative}
	case "resetms":
		return meaning{role: roleReset, says: millis}
	case "refresh", "renew", "renews", "renewal":
		return meaning{role: roleReset, weak: true}
	case "threshold", "ceiling":
		return meaning{role: roleLimit, weak: true}
	case "unused":
		return meaning{role: roleRemaining, weak: true}
	case "used", "usage", "consumed", "observed":
		return meaning{role: roleUsed}
	case "count", "current", "state":
		return meaning{role: roleUsed, weak: true}
	case "interval", "window", "period", "duration":
		return meaning{role: roleLength}
	case "policy", "policies":
		return meaning{role: rolePolicy}
	case "fillrate", "replenish":
		return meaning{role: roleFill}
	case "unit", "timeunit":
		return meaning{role: roleUnit}
	case "rate": // behind the anchor: X-RateLimit-Rate
		return meaning{role: roleFill, weak: true}
	case "name", "resource", "bucket":
		return meaning{role: roleLabel, weak: true}
	case "retry", "retryafter", "wait", "towait":
		return meaning{role: roleRetry}
	case "delay", "until": // Airbrake's X-RateLimit-Delay; X-RateLimit-Blocked-Until
		return meaning{role: roleRetry, weak: true}
	case "ms", "msec", "millis", "milliseconds":
		return meaning{says: millis}
	case "microseconds", "micros":
		return meaning{says: micros}
	case "nanoseconds", "nanos", "nanosec": // bucket4j's X-Rate-Limit-Retry-After-Nanoseconds
		return meaning{says: nanos}
	case "seconds", "sec":
		return meaning{says: seconds}
	case "after", "in":
		return meaning{says: relative}
	case "time":
		return meaning{counted: unitTime}
	case "x", "at", "timestamp", "epoch", "utc", "date", "per", "this", "info":
		return meaning{}
	case "second", "secondly", "persecond", "qps", "rps":
		return meaning{period: time.Second}
	case "minute", "minutely", "min", "perminute":
		return meaning{period: time.Minute}
	case "hour", "hourly", "perhour":
		return meaning{period: time.Hour}
	case "day", "daily", "perday", "today":
		return meaning{period: day}
	case "week", "weekly":
		return meaning{period: 7 * day}
	case "month", "monthly", "permonth":
		return meaning{period: 30 * day}
	case "request", "requests", "req", "reqs", "call", "calls", "query", "queries":
		return meaning{unit: UnitRequests}
	case "token", "tokens":
		return meaning{unit: unitTokens}
	case "bytes", "bandwidth":
		return meaning{unit: unitBytes}
	case "concurrent", "concurrency":
		return meaning{unit: unitConcurrent}
	case "audio":
		return meaning{unit: "audio-seconds"}
	case "error", "errors":
		return meaning{unit: "errors"}
	case "complexity":
		return meaning{unit: "complexity"}
	case "weight":
		return meaning{unit: "weight"}
	case "credit", "credits", "balance":
		return meaning{unit: "credits"}
	case "points", "units":
		return meaning{unit: "units"}
	case "emails", "mails", "recipients":
		return meaning{unit: "recipients"}
	case "cost", "db":
		return meaning{unit: "cost"}
	case "nearlimit", "reason", "scope", "percentage", "type", "category", "source", "problem", "currentrequest",
		"last", "exceeded", "remote", "addr", "forwarded", "strategy", "algorithm", "version", "enabled",
		"information",                                                                                 // about the limiter or the call, not the window
		"memory", "disk", "storage", "cpu", "page", "pagination", "upload", "size", "body", "content", // other limits
		"bysize": // Mistral's RateLimitBySize, of tokens
		return meaning{ignore: true}
	}
	return composite(w)
}

// composite reads words that vendors wrote together: "userlimit", "minlimit", "appmin".
func composite(w []byte) meaning {
	for _, tail := range [...]struct {
		word string
		role role
	}{
		{"limit", roleLimit}, {"remaining", roleRemaining}, {"reset", roleReset}, {"usage", roleUsed},
	} {
		if head, ok := cutSuffix(w, tail.word); ok {
			m := meaningOf(head)
			if m.strange == len(head) {
				m = splitPeriod(head)
			}
			m.role = tail.role
			return m
		}
	}
	if len(w) > 0 && w[0] >= '1' && w[0] <= '9' { // "1m", "10s", "24hour"
		if period := trailingLength(w); period > 0 && w[len(w)-1] > '9' {
			return meaning{period: period}
		}
	}
	if m := splitPeriod(w); m.period > time.Minute { // "appday"; many other words end in "min"
		return m
	}
	return meaning{strange: len(w)}
}

// splitPeriod takes a period off the end of a word: "appmin" is the app's minute.
func splitPeriod(w []byte) meaning {
	for _, tail := range [...]struct {
		word   string
		period time.Duration
	}{{"min", time.Minute}, {"minute", time.Minute}, {"hour", time.Hour}, {"day", day}} {
		if head, ok := cutSuffix(w, tail.word); ok {
			return meaning{period: tail.period, strange: len(head)}
		}
	}
	return meaning{strange: len(w)}
}

func cutSuffix(w []byte, suffix string) ([]byte, bool) {
	if len(w) <= len(suffix) || string(w[len(w)-len(suffix):]) != suffix {
		return nil, false
	}
	return w[:len(w)-len(suffix)], true
}

// nextWord returns the bounds of the first word behind at: words are apart by hyphens or underscores.
func nextWord(low []byte, at int) (from, to int, ok bool) {
	for at < len(low) && (low[at] == '-' || low[at] == '_') {
		at++
	}
	to = at
	for to < len(low) && low[to] != '-' && low[to] != '_' {
		to++
	}
	return at, to, at < len(low)
}

// findAnchor finds the word or words that make a field one about limits: it returns where they begin and end, or 0, 0.
func findAnchor(low []byte) (from, to int) {
	wasRate, rateFrom := false, 0
	for from, to, ok := nextWord(low, 0); ok; from, to, ok = nextWord(low, to) {
		switch w := low[from:to]; string(w) {
		case "ratelimit", "ratelimits", "ratelimiting":
			return from, to
		case "limit", "limits", "limiting":
			if wasRate {
				return rateFrom, to
			}
		default:
			if _, ok := cutSuffix(w, "ratelimit"); ok { // X-ReadRateLimit-…
				return from, to
			}
			if bytes.HasPrefix(w, []byte("ratelimit")) { // RateLimitPolicy
				return from, from + len("ratelimit")
			}
		}
		wasRate, rateFrom = string(low[from:to]) == "rate", from
	}
	for from, to, ok := nextWord(low, 0); ok; from, to, ok = nextWord(low, to) {
		switch string(low[from:to]) {
		case "quota", "throttle", "throttling":
			return from, to
		}
	}
	return 0, 0
}

// familyEnd returns where the name of the family ends whose anchor stands between two bounds: of "rate-limit" behind "rate", so
// that a Request-Rate-Count belongs to a Request-Rate-Limit.
func familyEnd(low []byte, anchor, end int) int {
	if _, to, _ := nextWord(low, anchor); string(low[anchor:to]) == "rate" {
		return to
	}
	return end
}

// rateEnd returns where the word "rate" ends in a name that has no anchor, 0 where it is not there. Such a field tells of limits only
// beside one that has: there are rates of other things.
func rateEnd(low []byte) int {
	for from, to, ok := nextWord(low, 0); ok; from, to, ok = nextWord(low, to) {
		if string(low[from:to]) == "rate" {
			return to
		}
	}
	return 0
}

// rankOf ranks a family by its name up to the anchor.
func rankOf(family []byte) rank {
	switch string(family) {
	case "ratelimit":
		return rankDraft
	case "x-ratelimit":
		return rankX
	case "x-rate-limit":
		return rankXRate
	}
	return rankVendor
}

// FNV-1a, 64 bits.
const hashStart uint64 = 14695981039346656037

func hash(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
