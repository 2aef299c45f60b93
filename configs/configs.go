// Package configs is the user's YAML: its sections as structs, its defaults, and the checks that name every fault of
// a file at once, each with its line, its path, the value found and what would be right.
//
// It never acts on what it reads: it opens no socket and no store, and wires nothing. The one thing it touches is the
// file that Load is given. Keys that this release does not know are refused, so that a misspelt one is never a
// setting silently lost.
package configs

// Config is the whole of Sluice's configuration. The zero value is not usable: start from Default or Parse. Fields
// may be overridden (flags and the environment come after the file); call Validate afterwards.
type Config struct {
	// Listen is the front door's address, host:port. Without tokens it must be on loopback; port 0 takes a free one.
	Listen string `yaml:"listen"`
	// Admin is the address of metrics, health and profiles, host:port. On loopback it asks nobody who they are; elsewhere
	// it wants a token with the scope admin.
	Admin string `yaml:"admin"`
	// Names are those that listeners on loopback may be addressed by (RFC 9110 section 7.2) besides localhost and loopback
	// addresses, such as that of a reverse proxy on this machine; without a port. With tokens the front door asks for none.
	Names []string `yaml:"names"`
	// Tokens are who may use the front door. None: whoever reaches it, which must be this machine only.
	Tokens []Token `yaml:"tokens"`
	// TLS is the front door's, and the admin address's where that is not on loopback.
	TLS         TLS         `yaml:"tls"`
	Connections Connections `yaml:"connections"`

	Data      Data      `yaml:"data"`
	Retention Retention `yaml:"retention"`
	Egress    Egress    `yaml:"egress"`
	Limits    Limits    `yaml:"limits"`
	Breaker   Breaker   `yaml:"breaker"`
	// Credentials are header values that definitions name instead of carrying them.
	Credentials Credentials `yaml:"credentials"`
	// Flows and Tenants are what single ones are given; what no entry matches takes even turns and has no rate of its own.
	Flows      []Flow     `yaml:"flows"`
	Tenants    []Tenant   `yaml:"tenants"`
	Priorities Priorities `yaml:"priorities"`
	Holds      Holds      `yaml:"holds"`
	Policies   Policies   `yaml:"policies"`
	Notices    Notices    `yaml:"notices"`
	Shutdown   Shutdown   `yaml:"shutdown"`
	Log        Log        `yaml:"log"`
}

// Default returns the configuration of an empty file. Each default is a constant beside its section, with its reason;
// sluice.yaml shows them all.
func Default() Config {
	return Config{
		Credentials: Credentials{},
		Listen:      DefaultListen,
		Admin:       DefaultAdmin,
		Names:       []string{},
		Tokens:      []Token{},
		Data:        defaultData(),
		Retention:   defaultRetention(),
		Egress:      defaultEgress(),
		Limits:      defaultLimits(),
		Breaker:     defaultBreaker(),
		Flows:       []Flow{},
		Tenants:     []Tenant{},
		Priorities:  Priorities{Floor: DefaultFloor},
		Holds:       defaultHolds(),
		Policies:    defaultPolicies(),
		Notices:     defaultNotices(),
		Shutdown:    defaultShutdown(),
		Log:         defaultLog(),
		Connections: defaultConnections(),
	}
}

// Validate returns Faults naming everything in c that is out of range or contradicts something else, or nil. Parse
// has called it already; call it again after overriding fields. Its faults have no file and no line.
func (c *Config) Validate() error {
	k := newChecker("")
	c.check(k)
	return k.err()
}

func (c *Config) check(k *checker) {
	c.checkTokens(k)
	c.checkAddresses(k)
	c.checkNames(k)
	c.TLS.check(k)
	c.Connections.check(k)
	c.Data.check(k)
	c.Retention.check(k)
	c.Egress.check(k)
	c.Limits.check(k)
	c.Breaker.check(k, "breaker", false)
	c.checkFlows(k)
	c.Holds.check(k)
	c.Policies.check(k)
	c.Credentials.check(k)
	c.Notices.check(k)
	c.Shutdown.check(k)
	c.Log.check(k)
}
