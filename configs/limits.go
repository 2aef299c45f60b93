package configs

import (
	"fmt"
	"time"
)

// Limits is how fast destinations may be called before they say so themselves, host by host.
type Limits struct {
	// Default holds for every host, and for what an entry of Hosts leaves out.
	Default Limit `yaml:"default"`
	// Hosts differ from it. The most exact Match wins, alone: entries are not added up.
	Hosts []Host `yaml:"hosts"`
}

// Limit is how the calls of a lane are paced.
type Limit struct {
	// By says what the destination counts by, and so what a lane is.
	By By `yaml:"by"`
	// Start is the pace of a lane that nothing is known about. Unlimited: no pace at all until the destination
	// refuses a call or tells its limit, and no Ceiling.
	Start Rate `yaml:"start"`
	// Ceiling is the most that a lane's pace may grow to or be told. Never Unlimited, and zero only where Start is.
	Ceiling Rate `yaml:"ceiling,omitempty"`
	// Concurrency bounds a lane's calls under way at once.
	Concurrency Concurrency `yaml:"concurrency"`
	// MaxPause is the longest that a destination's Retry-After is believed.
	MaxPause Duration `yaml:"max_pause"`
	// MaxFlows is how many flows with something waiting a lane may have: the webhooks of one more are refused at the door.
	MaxFlows int `yaml:"max_flows"`
}

// Concurrency bounds calls under way at once: it begins at Start and adapts, never above Max.
type Concurrency struct {
	Start int `yaml:"start,omitempty"`
	Max   int `yaml:"max,omitempty"`
}

// Host is the limit of one host, or of all hosts below a domain. The zero value of each field is "as in
// limits.default", unless it says otherwise.
type Host struct {
	// Match is a host as in api.example.com, on any port unless it names one (crm.example.com:8443), or all hosts
	// below a domain: *.example.com or .example.com, at any depth, without example.com itself.
	Match string `yaml:"match"`
	// By, Start, Ceiling, Concurrency and MaxPause are as in Limit.
	By      By   `yaml:"by,omitempty"`
	Start   Rate `yaml:"start,omitempty"`
	Ceiling Rate `yaml:"ceiling,omitempty"`
	// Fixed is the pace, for good: nothing is learned but pauses. It goes without Start and Ceiling. Zero: none.
	Fixed Rate `yaml:"fixed,omitempty"`
	// Windows are limits that the destination is known to have, whether or not its responses tell; at most
	// MaxWindows, each over a time of its own.
	Windows []Window `yaml:"windows,omitempty"`
	// Share is the part of the destination's limits that is Sluice's; the rest is for other callers under the same
	// credential. Above 0, at most 1; zero: all of it.
	Share       float64     `yaml:"share,omitempty"`
	Concurrency Concurrency `yaml:"concurrency,omitempty"`
	MaxPause    Duration    `yaml:"max_pause,omitempty"`
	// Headers says how its rate-limit headers are to be read, where their look misleads.
	Headers Headers `yaml:"headers"`
	// Breaker is what its breaker has that differs from the section breaker.
	Breaker Breaker `yaml:"breaker,omitempty"`
	// MaskPath shows the host's URLs without their path, for hosts that put secrets into it.
	MaskPath bool `yaml:"mask_path,omitempty"`
}

const (
	// DefaultConcurrencyStart keeps DefaultStart busy over destinations that answer within 1.6 s.
	DefaultConcurrencyStart = 16
	// DefaultConcurrencyMax keeps DefaultCeiling busy over destinations that answer within 0.5 s.
	DefaultConcurrencyMax = 512
	// DefaultMaxPause believes hourly limits in full; a longer wait is tried again once an hour.
	DefaultMaxPause = 1 * hour
	// DefaultMaxFlows is more campaigns than one destination sees, and fewer than one flow for each recipient.
	DefaultMaxFlows = 10_000

	// MaxWindows is how many windows a host may have: every lane keeps account of each.
	MaxWindows = 4

	maxConcurrency = 60_000 // as maxMaxInFlight: one source address has no more ports for a destination
	minMaxPause    = 1 * second
	maxMaxPause    = 31 * day // the longest that vendors count over is a month
	maxMaxFlows    = 1_000_000
	maxPerSecond   = 1e6 // beyond what one process sends
	maxWindowTime  = 31 * day
)

var (
	// DefaultStart is a pace that hardly any API refuses; where there is more, doubling finds it within seconds.
	DefaultStart = Rate{N: 10, Per: time.Second}
	// DefaultCeiling stops the doubling before it becomes an attack on a host that never says no.
	DefaultCeiling = Rate{N: 1000, Per: time.Second}
)

func defaultLimits() Limits {
	return Limits{
		Default: Limit{
			By:          By{Kind: ByHost},
			Start:       DefaultStart,
			Ceiling:     DefaultCeiling,
			Concurrency: Concurrency{Start: DefaultConcurrencyStart, Max: DefaultConcurrencyMax},
			MaxPause:    DefaultMaxPause,
			MaxFlows:    DefaultMaxFlows,
		},
		Hosts: []Host{},
	}
}

// follow lowers the default of a Start with the Ceiling or Max that alone was given, and lifts the default of a
// Ceiling from above an unlimited Start.
func (l *Limits) follow(k *checker) {
	of := &l.Default
	if of.Start.IsUnlimited() && !k.inFile("limits.default.ceiling") {
		of.Ceiling = Rate{}
	}
	if !k.inFile("limits.default.start") && above(of.Start, of.Ceiling) {
		of.Start = of.Ceiling
	}
	if !k.inFile("limits.default.concurrency.start") {
		of.Concurrency.Start = min(of.Concurrency.Start, of.Concurrency.Max)
	}
}

func (l *Limits) check(k *checker) {
	const path = "limits.default"
	of := l.Default
	if of.By.Kind == "" {
		k.fail(path+".by", `""`, "is not known", wantBy)
	}
	if of.Start.IsZero() {
		k.missing(path+".start", wantRate+", or unlimited")
	}
	if of.Ceiling.IsZero() && !of.Start.IsUnlimited() {
		k.missing(path+".ceiling", wantRate)
	}
	checkPace(k, path, of.Start, of.Ceiling, of.Ceiling)
	checkConcurrency(k, path+".concurrency", of.Concurrency, of.Concurrency.Max, false)
	within(k, path+".max_pause", of.MaxPause, minMaxPause, maxMaxPause)
	within(k, path+".max_flows", of.MaxFlows, 1, maxMaxFlows)

	seen := map[pattern]int{}
	for i := range l.Hosts {
		path := fmt.Sprintf("limits.hosts[%d]", i)
		l.Hosts[i].check(k, path, of)
		p, err := parsePattern(l.Hosts[i].Match)
		if err != nil {
			continue
		}
		if first, twice := seen[p]; twice {
			k.fail(path+".match", l.Hosts[i].Match, fmt.Sprintf("matches what limits.hosts[%d] matches", first),
				"one entry for each")
			continue
		}
		seen[p] = i
	}
}

// check checks an entry of Hosts, which leaves to the default what it does not say.
func (h *Host) check(k *checker, path string, of Limit) {
	match := path + ".match"
	if !k.given(match, h.Match == "") {
		k.missing(match, wantPattern)
	} else if _, err := parsePattern(h.Match); err != nil && k.sound(match) {
		k.fail(match, h.Match, err.problem, err.want)
	}

	h.checkFixed(k, path)
	limit := h.Ceiling
	if limit.IsZero() {
		limit = of.Ceiling
	}
	checkPace(k, path, h.Start, h.Ceiling, limit)
	checkWindows(k, path+".windows", h.Windows)
	if share := path + ".share"; k.given(share, h.Share == 0) && !(h.Share > 0 && h.Share <= 1) {
		k.fail(share, h.Share, "is out of range", "a part above 0, at most 1")
	}
	top := h.Concurrency.Max
	if top == 0 {
		top = of.Concurrency.Max
	}
	checkConcurrency(k, path+".concurrency", h.Concurrency, top, true)
	h.Headers.check(k, path+".headers")
	h.Breaker.check(k, path+".breaker", true)
	if at := path + ".max_pause"; k.given(at, h.MaxPause == 0) {
		within(k, at, h.MaxPause, minMaxPause, maxMaxPause)
	}
}

func (h *Host) checkFixed(k *checker, path string) {
	fixed := path + ".fixed"
	if h.Fixed.IsZero() {
		return
	}
	if h.Fixed.IsUnlimited() {
		k.fail(fixed, h.Fixed, "fixes nothing", wantRate+"; for a host of one's own, start: unlimited")
		return
	}
	checkRate(k, fixed, h.Fixed)
	if !h.Start.IsZero() {
		k.fail(path+".start", h.Start, "contradicts fixed, from which the pace never moves", "either start or fixed")
	}
	if !h.Ceiling.IsZero() {
		k.fail(path+".ceiling", h.Ceiling, "contradicts fixed, from which the pace never moves", "either ceiling or fixed")
	}
}

// checkPace checks a start and a ceiling, either of which may be zero, and the one against the other; limit is the
// ceiling that counts, the entry's own or the default's.
func checkPace(k *checker, path string, start, ceiling, limit Rate) {
	startAt, ceilingAt := path+".start", path+".ceiling"
	switch {
	case ceiling.IsUnlimited():
		k.fail(ceilingAt, ceiling, "is no ceiling", wantRate+"; for a host of one's own, start: unlimited")
	case start.IsUnlimited() && !ceiling.IsZero():
		k.fail(ceilingAt, ceiling, "contradicts start: unlimited, which has no ceiling", "either ceiling or start: unlimited")
	}
	checkRate(k, startAt, start)
	checkRate(k, ceilingAt, ceiling)
	if ceiling.IsZero() {
		ceilingAt = "limits.default.ceiling" // the one that counts
	}
	if k.sound(startAt, ceilingAt) && !start.IsUnlimited() && above(start, limit) {
		k.fail(startAt, start, "is above the ceiling", "at most the ceiling, which is "+limit.String()+", or unlimited")
	}
}

// above reports whether a start exceeds a ceiling, if there is one.
func above(start, ceiling Rate) bool {
	return !ceiling.IsZero() && start.PerSecond() > ceiling.PerSecond()
}

func checkRate(k *checker, path string, r Rate) {
	switch {
	case r.IsZero() || r.IsUnlimited():
	case r.N < 1:
		k.fail(path, r, "lets nothing through", wantRate)
	case r.PerSecond() > maxPerSecond:
		k.fail(path, r, "is more than can be sent", "at most 1000000/s")
	case Duration(r.Per) > maxWindowTime:
		k.fail(path, r, "counts over too long a time", "at most "+maxWindowTime.String())
	}
}

func checkWindows(k *checker, path string, windows []Window) {
	if len(windows) > MaxWindows {
		k.fail(path, fmt.Sprintf("%d windows", len(windows)), "are too many",
			fmt.Sprintf("at most %d", MaxWindows))
	}
	for i, w := range windows {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !k.sound(at) {
			continue
		}
		checkRate(k, at, Rate(w))
		if w.IsZero() || w.Per < 0 {
			k.fail(at, w, "is no window", wantWindow)
		}
		for j, other := range windows[:i] {
			if other.Per == w.Per {
				k.fail(at, w, fmt.Sprintf("is over the same time as windows[%d]", j), "one window for each time")
			}
		}
	}
}

// checkConcurrency checks a start and a max, which may be absent (zero) when inherited is set; limit is the max that
// counts.
func checkConcurrency(k *checker, path string, c Concurrency, limit int, inherited bool) {
	start, top := path+".start", path+".max"
	if !inherited || k.given(start, c.Start == 0) {
		within(k, start, c.Start, 1, maxConcurrency)
	}
	if !inherited || k.given(top, c.Max == 0) {
		within(k, top, c.Max, 1, maxConcurrency)
	}
	if c.Max == 0 {
		top = "limits.default.concurrency.max" // the one that counts
	}
	if k.sound(start, top) && c.Start > limit {
		k.fail(start, c.Start, "is above the max", fmt.Sprintf("at most max, which is %d", limit))
	}
}
