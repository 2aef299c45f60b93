package configs

// Holds bounds what operators hold at once, whether or not anything is known of it: each one stays in memory and on disk until
// it is resumed. One more is refused with 409.
type Holds struct {
	// Flows is how many flows are held by name; those of disabled subscriptions do not count.
	Flows int `yaml:"flows"`
	// Hosts is how many destinations are.
	Hosts int `yaml:"hosts"`
}

// The defaults of Holds.
const (
	// DefaultHolds is more than anyone pauses by hand, and some megabytes.
	DefaultHolds = 10_000

	maxHolds = 1_000_000
)

func defaultHolds() Holds { return Holds{Flows: DefaultHolds, Hosts: DefaultHolds} }

func (h *Holds) check(k *checker) {
	within(k, "holds.flows", h.Flows, 1, maxHolds)
	within(k, "holds.hosts", h.Hosts, 1, maxHolds)
}
