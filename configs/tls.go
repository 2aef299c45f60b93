package configs

import "strings"

// TLS is the front door's own. The files are in PEM; they are read again when they change, and at a reload. Without a
// certificate the front door speaks plain HTTP.
type TLS struct {
	// Cert has the certificate and behind it those that lead to its authority, Key the private key; both or neither.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// ClientCA has authorities, one of which must have signed a client's certificate; empty: clients need none.
	ClientCA string `yaml:"client_ca"`
}

// Enabled reports whether the front door speaks TLS.
func (t *TLS) Enabled() bool { return t.Cert != "" }

func (t *TLS) check(k *checker) {
	for path, file := range map[string]string{"tls.cert": t.Cert, "tls.key": t.Key, "tls.client_ca": t.ClientCA} {
		if strings.ContainsRune(file, 0) {
			k.fail(path, file, "has a NUL byte", "a path such as /etc/sluice/tls.crt")
		}
	}
	switch {
	case t.Cert == "" && t.Key != "":
		k.fail("tls.key", t.Key, "has no certificate beside it", "tls.cert as well, or neither")
	case t.Cert != "" && t.Key == "":
		k.fail("tls.cert", t.Cert, "has no key beside it", "tls.key as well, or neither")
	case t.ClientCA != "" && t.Cert == "":
		k.fail("tls.client_ca", t.ClientCA, "is for TLS, which needs a certificate", "tls.cert and tls.key as well, or none of them")
	}
}

// Connections bounds those at the front door.
type Connections struct {
	// Max is how many are served at once; one more is refused with 503.
	Max int `yaml:"max"`
	// PerAddress is how many of them one address may have (of IPv6 its /64); further ones are closed. Loopback has no such
	// bound. Raise it where a proxy stands before the front door.
	PerAddress int `yaml:"per_address"`
	// ReadTimeout is how long a request, headers and body, may take to arrive; one that takes longer gets 408.
	ReadTimeout Duration `yaml:"read_timeout"`
	// IdleTimeout is how long a connection stays open on which no further request comes.
	IdleTimeout Duration `yaml:"idle_timeout"`
}

// The defaults of Connections.
const (
	DefaultMaxConnections = 10_000
	// DefaultPerAddress leaves room for nine others, whatever one does.
	DefaultPerAddress = 1_000
	// DefaultReadTimeout lets 32 MiB, the largest request, come at 0.5 MiB/s.
	DefaultReadTimeout = minute
	DefaultIdleTimeout = 2 * minute

	maxConnections       = 1_000_000
	minConnectionTimeout = second / 10
)

func defaultConnections() Connections {
	return Connections{
		Max: DefaultMaxConnections, PerAddress: DefaultPerAddress, ReadTimeout: DefaultReadTimeout, IdleTimeout: DefaultIdleTimeout,
	}
}

func (c *Connections) check(k *checker) {
	within(k, "connections.max", c.Max, 1, maxConnections)
	within(k, "connections.per_address", c.PerAddress, 1, maxConnections)
	within(k, "connections.read_timeout", c.ReadTimeout, minConnectionTimeout, hour)
	within(k, "connections.idle_timeout", c.IdleTimeout, minConnectionTimeout, hour)
}
