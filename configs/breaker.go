package configs

// Breaker says when a host is left alone because it fails, and how it is tried again. It counts connect errors,
// time-outs and 5xx; being refused for too many calls (429) is no failure.
type Breaker struct {
	// FailureRatio opens the breaker when that part of the calls in Window failed; above 0, at most 1.
	FailureRatio float64 `yaml:"failure_ratio"`
	// MinRequests is how many calls Window must have seen before the ratio counts.
	MinRequests int `yaml:"min_requests"`
	// Window is how far back calls count.
	Window Duration `yaml:"window"`
	// CoolDown is how long an open breaker holds everything back; it doubles each time the probes fail.
	CoolDown Duration `yaml:"cool_down"`
	// CoolDownMax is where the doubling ends; at least CoolDown.
	CoolDownMax Duration `yaml:"cool_down_max"`
	// Probes is how many calls are let through after a cool-down, to see whether the host is back.
	Probes int `yaml:"probes"`
}

const (
	// DefaultFailureRatio is the majority that Braze's documentation of host health speaks of.
	DefaultFailureRatio = 0.5
	// DefaultMinRequests opens within 20 failures of a host that is down, and not because of one that stumbled.
	DefaultMinRequests = 20
	// DefaultBreakerWindow is the moving minute over which Braze counts.
	DefaultBreakerWindow = 60 * second
	// DefaultCoolDown is half the minute for which Braze halts: the doubling makes up for hosts that need longer.
	DefaultCoolDown = 30 * second
	// DefaultCoolDownMax bounds how late a recovery is noticed.
	DefaultCoolDownMax = 10 * minute
	// DefaultProbes tells a recovery from one lucky answer.
	DefaultProbes = 3

	maxMinRequests   = 1_000_000
	minBreakerWindow = 1 * second
	maxBreakerWindow = 1 * hour
	minCoolDown      = 1 * second
	maxCoolDown      = 1 * day
	maxProbes        = 1000
)

func defaultBreaker() Breaker {
	return Breaker{
		FailureRatio: DefaultFailureRatio, MinRequests: DefaultMinRequests, Window: DefaultBreakerWindow,
		CoolDown: DefaultCoolDown, CoolDownMax: DefaultCoolDownMax, Probes: DefaultProbes,
	}
}

// follow shortens the default of CoolDown with a CoolDownMax that alone was given.
func (b *Breaker) follow(k *checker) {
	if !k.inFile("breaker.cool_down") {
		b.CoolDown = min(b.CoolDown, b.CoolDownMax)
	}
}

func (b *Breaker) check(k *checker) {
	if !(b.FailureRatio > 0 && b.FailureRatio <= 1) { // written so that it catches NaN too
		k.fail("breaker.failure_ratio", b.FailureRatio, "is out of range", "a part above 0, at most 1")
	}
	within(k, "breaker.min_requests", b.MinRequests, 1, maxMinRequests)
	within(k, "breaker.window", b.Window, minBreakerWindow, maxBreakerWindow)
	const coolDown, coolDownMax = "breaker.cool_down", "breaker.cool_down_max"
	within(k, coolDown, b.CoolDown, minCoolDown, maxCoolDown)
	within(k, coolDownMax, b.CoolDownMax, minCoolDown, maxCoolDown)
	if k.sound(coolDown, coolDownMax) && b.CoolDown > b.CoolDownMax {
		k.fail(coolDown, b.CoolDown, "is longer than the longest",
			"at most breaker.cool_down_max, which is "+b.CoolDownMax.String())
	}
	within(k, "breaker.probes", b.Probes, 1, maxProbes)
}
