package limiter

import (
	"fmt"
	"slices"
	"strings"
)

// Override is what the configuration says of a host's headers, over what is read from them. The zero value, and a nil
// *Override, say nothing.
type Override struct {
	// Family is the only family that is believed, in lower case and without its star: "x-rate-limit"; empty: all.
	Family string
	// Reset is the form that a reset told as a number is read in; ResetUntold: by its magnitude.
	Reset ResetForm
	// Ignore names fields that are not looked at, in lower case; one that ends in a star names all that begin so.
	Ignore []string
}

// NewOverride checks an override as the configuration writes it, hosts[].headers: {family, reset, ignore}. family is
// the beginning of the names to believe, with or without "-*" ("x-ratelimit"); reset is one of delta-seconds,
// delta-milliseconds, epoch-seconds, epoch-milliseconds, epoch-microseconds, epoch-nanoseconds, or empty; ignore lists
// field names, which may end in a star.
func NewOverride(family, reset string, ignore []string) (*Override, error) {
	o := &Override{Family: strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(family), "*"), "-")}
	form := ResetForm(max(0, slices.Index(resetForms[:], reset))) //nolint:gosec // an index of a short table
	if form.unit() > 0 && form != Constant {
		o.Reset = form
	} else if reset != "" {
		return nil, fmt.Errorf("headers.reset %q: want one of %s", reset, strings.Join(ResetUnits(), ", "))
	}
	for _, name := range append([]string{family}, ignore...) {
		if strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c == ':' }) {
			return nil, fmt.Errorf("headers: %q is not the name of a field", name)
		}
	}
	for _, name := range ignore {
		if name == "" || name == "*" {
			return nil, fmt.Errorf("headers.ignore %q: want the name of a field, or its beginning and a star", name)
		}
		o.Ignore = append(o.Ignore, strings.ToLower(name))
	}
	return o, nil
}

// ResetUnits returns the words for what the number in a reset header may be.
func ResetUnits() []string {
	var names []string
	for f := DeltaSeconds; f < ResetDuration; f++ {
		names = append(names, f.String())
	}
	return names
}

// ignores reports whether a field, its name in lower case, is not to be looked at.
func (o *Override) ignores(low []byte) bool {
	if o == nil {
		return false
	}
	for _, name := range o.Ignore {
		if start, ok := strings.CutSuffix(name, "*"); ok {
			if len(low) >= len(start) && string(low[:len(start)]) == start {
				return true
			}
		} else if string(low) == name {
			return true
		}
	}
	return false
}

// believes reports whether a field is of the family that was chosen. Delays are believed whoever tells them.
func (o *Override) believes(f *fieldName, low []byte) bool {
	return o == nil || o.Family == "" || f.kind == kindDelay || f.kind == kindDate || f.kind == kindAge ||
		f.kind == kindWindow && string(low[:f.prefix]) == o.Family
}
