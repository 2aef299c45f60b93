package configs

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// PolicyRule is one line of a classifier: attempts that it is about, and what they mean.
type PolicyRule struct {
	// Status is what responses it is about: 404, 4xx, 20x, 400-499, or a list of such.
	Status Statuses `yaml:"status,omitempty"`
	// Error is what attempts without a response it is about: dns, connect, tls, reset, timeout, protocol; unreachable is
	// the first three, any is all. One, or a list.
	Error ErrorClasses `yaml:"error,omitempty"`
	// With is what a response must say besides: retry-after or none-remaining. Empty: nothing.
	With string `yaml:"with,omitempty"`
	// Then is what such an attempt means: delivered, retry, throttled, failed, failed-and-disable.
	Then string `yaml:"then"`
}

// failedAndDisable is failed, and the endpoint gets nothing more.
const failedAndDisable = "failed-and-disable"

var outcomes = []string{
	string(policy.Delivered), string(policy.Retry), string(policy.Throttled), string(policy.Failed), failedAndDisable,
}

func (r *PolicyRule) check(k *checker, path string) {
	if len(r.Status) == 0 && len(r.Error) == 0 && k.sound(join(path, "status"), join(path, "error")) {
		k.fail(path, "", "matches nothing", "status, error or both, as in {status: [408, 5xx], then: retry}")
	}
	at := join(path, "with")
	if k.given(at, r.With == "") {
		oneOf(k, at, r.With, string(policy.SaysWhen), string(policy.NoneRemaining))
		if k.sound(at) && len(r.Status) == 0 {
			k.fail(at, r.With, "is something that responses say, and the rule is about none", "a status beside it")
		}
	}
	switch at := join(path, "then"); {
	case k.given(at, r.Then == ""):
		oneOf(k, at, r.Then, outcomes...)
		if r.Then == string(policy.Delivered) && len(r.Error) > 0 {
			k.fail(at, r.Then, "cannot be known without a response", "delivered for statuses only")
		}
	default:
		k.missing(at, "one of delivered, retry, throttled, failed, failed-and-disable")
	}
}

func (r *PolicyRule) compile() policy.Rule {
	to := policy.Rule{
		Statuses: r.Status.set(), Classes: r.Error.set(), With: policy.Signal(r.With), Outcome: policy.Outcome(r.Then),
	}
	if r.Then == failedAndDisable {
		to.Outcome, to.Disable = policy.Failed, true
	}
	return to
}

// Statuses are sets of HTTP statuses, together; one of them may be written without the brackets of a list.
type Statuses []Status

// IsZero reports whether there is none.
func (s Statuses) IsZero() bool { return len(s) == 0 }

func (Statuses) whole(value *yaml.Node) *yaml.Node { return listOf(value) }

func (s Statuses) set() (set policy.StatusSet) {
	for _, one := range s {
		of, _ := policy.ParseStatuses(string(one)) // it was, when it was read
		set = set.Union(of)
	}
	return set
}

// Status is a set of HTTP statuses: 404, 4xx, 20x or 400-499.
type Status string

// UnmarshalText reads a set; YAML and JSON read by it.
func (s *Status) UnmarshalText(text []byte) error {
	if _, err := policy.ParseStatuses(string(text)); err != nil {
		return &valueError{"is no status, and no set of them", policy.WantStatuses}
	}
	*s = Status(text)
	return nil
}

// MarshalYAML writes a single status as a number, as people do.
func (s Status) MarshalYAML() (any, error) {
	if n, err := strconv.Atoi(string(s)); err == nil {
		return n, nil
	}
	return string(s), nil
}

// ErrorClasses are classes of attempts without a response; one may be written without the brackets of a list.
type ErrorClasses []ErrorClass

// IsZero reports whether there is none.
func (e ErrorClasses) IsZero() bool { return len(e) == 0 }

func (ErrorClasses) whole(value *yaml.Node) *yaml.Node { return listOf(value) }

func (e ErrorClasses) set() (set policy.ClassSet) {
	for _, one := range e {
		of, _ := policy.ParseClass(string(one)) // it was, when it was read
		set |= of
	}
	return set
}

// ErrorClass is why an attempt got no response, unreachable or any.
type ErrorClass string

var errorClasses = slices.Concat([]string{"unreachable", "any"}, words(policy.Classes()))

// UnmarshalText reads a class; YAML and JSON read by it.
func (e *ErrorClass) UnmarshalText(text []byte) error {
	if _, ok := policy.ParseClass(string(text)); !ok {
		return &valueError{
			"is not known" + didYouMean(nearest(string(text), errorClasses)), "one of " + strings.Join(errorClasses, ", "),
		}
	}
	*e = ErrorClass(text)
	return nil
}
