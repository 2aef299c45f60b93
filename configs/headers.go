package configs

import (
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/limiter"
)

// Headers says how a host's rate-limit headers are to be read, over what they look like. The zero value: as they look.
type Headers struct {
	// Family is the beginning of the only header names that are believed: x-ratelimit, x-rate-limit, ratelimit, or a
	// vendor's own. Retry-After is believed beside it.
	Family string `yaml:"family"`
	// Reset is what the numbers in reset headers are: one of limiter.ResetUnits.
	Reset string `yaml:"reset"`
	// Ignore names headers that are not looked at; one that ends in * names all that begin so.
	Ignore []string `yaml:"ignore,omitempty"`
}

// Override returns the headers' part of a limit as the reader takes it; nil when they are read as they look.
func (h *Host) Override() (*limiter.Override, error) {
	if of := &h.Headers; of.Family == "" && of.Reset == "" && len(of.Ignore) == 0 {
		return nil, nil //nolint:nilnil // nil is what the reader takes for "as they look"
	}
	return limiter.NewOverride(h.Headers.Family, h.Headers.Reset, h.Headers.Ignore)
}

const wantFieldName = "the name of a header, or its beginning and a *"

func (h *Headers) check(k *checker, path string) {
	if at := join(path, "family"); h.Family != "" && !isFieldName(strings.TrimSuffix(h.Family, "*")) {
		k.fail(at, h.Family, "is not the beginning of a header's name", "one such as x-ratelimit")
	}
	if h.Reset != "" {
		oneOf(k, join(path, "reset"), h.Reset, limiter.ResetUnits()...)
	}
	for i, name := range h.Ignore {
		if !isFieldName(strings.TrimSuffix(name, "*")) {
			k.fail(fmt.Sprintf("%s[%d]", join(path, "ignore"), i), name, "is not the name of a header", wantFieldName)
		}
	}
}

// isFieldName reports whether s is a token (RFC 9110 section 5.6.2), as the names of header fields are.
func isFieldName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}
