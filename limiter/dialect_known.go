package limiter

import "strings"

// WellKnown returns what must be known of a host to read it right from the first response on, because its documentation
// says what its headers do not; nil for all others. What the configuration says of a host goes before it.
func WellKnown(host string) *Override {
	for _, known := range wellKnown {
		if host == known.host || strings.HasSuffix(host, "."+known.host) {
			return known.says
		}
	}
	return nil
}

var wellKnown = [...]struct {
	host string
	says *Override
}{
	// X-Rate-Limit-Reset in milliseconds: https://developer.prisjakt.nu/docs/sections/rate-limit
	{"prisjakt.nu", &Override{Family: "x-rate-limit", Reset: DeltaMillis}},
	// The same of stores in Latin America: https://tiendanube.github.io/api-documentation/intro
	{"tiendanube.com", &Override{Family: "x-rate-limit", Reset: DeltaMillis}},
	{"nuvemshop.com.br", &Override{Family: "x-rate-limit", Reset: DeltaMillis}},
}
