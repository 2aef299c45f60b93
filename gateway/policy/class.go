package policy

import (
	"slices"
	"strings"
)

// ErrorClass is why an attempt got no response. The empty class: it got one.
type ErrorClass string

// The classes of attempts without a response. Only the first three say that the host was not reached: a connect
// time-out is ClassConnect, a time-out during the TLS handshake is ClassTLS.
const (
	ClassDNS      ErrorClass = "dns"      // the name could not be resolved
	ClassConnect  ErrorClass = "connect"  // no connection came about
	ClassTLS      ErrorClass = "tls"      // no handshake, or a certificate that is not the host's
	ClassReset    ErrorClass = "reset"    // the connection broke; whether the request was acted on is unknown
	ClassTimeout  ErrorClass = "timeout"  // the request went out, the response did not come in time
	ClassProtocol ErrorClass = "protocol" // what came was not readable as HTTP
	// ClassBlocked: the address is one that must not be called. Nothing was sent. It always fails.
	ClassBlocked ErrorClass = "blocked_destination"
	// ClassCredential: the credential that it names is not to be had, or the destination refuses it. It counts for nothing.
	ClassCredential ErrorClass = "credential"
	// ClassCanceled: the attempt was broken off here, as at shutdown. It is always tried again.
	ClassCanceled ErrorClass = "canceled"
)

// Unreachable reports whether the class says that the host could not be reached.
func (c ErrorClass) Unreachable() bool { return Unreachable.Has(c) }

// ClassSet is a set of error classes, of those that rules and schedules may name. The zero value is empty.
type ClassSet uint8

// classes are those that a set may hold, in the order in which they are told to people.
var classes = []ErrorClass{ClassDNS, ClassConnect, ClassTLS, ClassReset, ClassTimeout, ClassProtocol}

// Sets with a name of their own in configurations: the classes of hosts that were not reached, and all of them.
const (
	Unreachable ClassSet = 1<<3 - 1 // "unreachable": dns, connect, tls
	AnyError    ClassSet = 1<<6 - 1 // "any"
)

// Classes returns the classes that a set may hold.
func Classes() []ErrorClass { return slices.Clone(classes) }

// ParseClass reads one word of a set: an error class, "unreachable" or "any". ok is false for anything else.
func ParseClass(word string) (set ClassSet, ok bool) {
	switch word {
	case "unreachable":
		return Unreachable, true
	case "any":
		return AnyError, true
	}
	for i, c := range classes {
		if word == string(c) {
			return 1 << i, true
		}
	}
	return 0, false
}

// Has reports whether the set holds a class.
func (s ClassSet) Has(c ErrorClass) bool {
	for i, known := range classes {
		if c == known {
			return s&(1<<i) != 0
		}
	}
	return false
}

// Words returns the fewest words that ParseClass reads as the set, in a fixed order; none for the empty set.
func (s ClassSet) Words() []string {
	if s == AnyError {
		return []string{"any"}
	}
	var words []string
	if s&Unreachable == Unreachable {
		words, s = append(words, "unreachable"), s&^Unreachable
	}
	for i, c := range classes {
		if s&(1<<i) != 0 {
			words = append(words, string(c))
		}
	}
	return words
}

// String returns the words, with commas between them.
func (s ClassSet) String() string { return strings.Join(s.Words(), ", ") }
