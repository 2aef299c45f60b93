package configs

import (
	_ "embed" // for hosts.yaml
	"sync"
)

// WellKnown is hosts.yaml: entries of limits.hosts for destinations that many call, each with its source. They stand
// behind the user's own: an entry of the user's that matches a host replaces what is known of it here.
//
//go:embed hosts.yaml
var WellKnown []byte

var wellKnown = sync.OnceValue(func() []Host {
	c, err := Parse("hosts.yaml", WellKnown)
	if err != nil { // a test parses it too
		panic(err)
	}
	return c.Limits.Hosts
})
