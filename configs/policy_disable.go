package configs

import (
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Disable is when an endpoint that keeps failing gets nothing more until it is enabled again: whichever is met first.
type Disable struct {
	// Totals are how many failed attempts of a class disable, the last included: 3xx, 4xx, 5xx, or none, which is
	// those without a response.
	Totals Totals `yaml:"totals,omitempty"`
	// Reset is what sets the totals back to zero: success, never, or a time after the first that was counted.
	Reset Reset `yaml:"reset,omitempty"`
	// Exhausted is how many deliveries in a row may end undelivered, the last included; 0: any number.
	Exhausted *int `yaml:"exhausted,omitempty"`
	// Ratio is a share of attempts that fail.
	Ratio *DisableRatio `yaml:"ratio,omitempty"`
	// Pending is what becomes of what waits: hold or cancel.
	Pending string `yaml:"pending,omitempty"`
}

// DisableRatio disables when more than Above of the attempts within Window failed, and there were at least Volume. Volume 0:
// no such rule.
type DisableRatio struct {
	Above  float64  `yaml:"above"`
	Window Duration `yaml:"window"`
	Volume int      `yaml:"volume"`
}

const (
	maxTotal       = 1_000_000_000
	minRatioWindow = 1 * minute
	maxRatioWindow = 31 * day
)

// Totals are counts by class of status.
type Totals map[string]int

// IsZero reports whether they were not given; empty ones are: no totals.
func (t Totals) IsZero() bool { return t == nil }

var statusClasses = map[string]policy.StatusClass{"none": 0, "1xx": 1, "2xx": 2, "3xx": 3, "4xx": 4, "5xx": 5}

func (d *Disable) check(k *checker, path string) {
	for class, n := range d.Totals {
		at := join(join(path, "totals"), keyForm(class))
		if _, ok := statusClasses[class]; !ok {
			k.failName(at, class, "is no class of statuses", "3xx, 4xx, 5xx, or none for attempts without a response")
			continue
		}
		within(k, at, n, 1, maxTotal)
	}
	if d.Exhausted != nil {
		within(k, join(path, "exhausted"), *d.Exhausted, 0, maxTotal)
	}
	if r := d.Ratio; r != nil {
		at := join(path, "ratio")
		within(k, join(at, "above"), r.Above, 0, 1)
		within(k, join(at, "volume"), r.Volume, 0, maxTotal)
		if r.Volume > 0 {
			within(k, join(at, "window"), r.Window, minRatioWindow, maxRatioWindow)
		}
	}
	if at := join(path, "pending"); k.given(at, d.Pending == "") {
		oneOf(k, at, d.Pending, string(policy.Hold), string(policy.CancelAtOnce))
	}
}

func (d *Disable) compile() policy.Disable {
	to := policy.Disable{
		KeepTotals: !d.Reset.OnSuccess, TotalsFor: time.Duration(d.Reset.After), Pending: policy.Pending(d.Pending),
	}
	for _, class := range slices.Sorted(maps.Keys(d.Totals)) {
		to.Totals = append(to.Totals, policy.Total{Class: statusClasses[class], Count: d.Totals[class]})
	}
	if d.Exhausted != nil {
		to.Exhausted = *d.Exhausted
	}
	if r := d.Ratio; r != nil && r.Volume > 0 {
		to.Ratio = policy.Ratio{Above: r.Above, Window: time.Duration(r.Window), Volume: r.Volume}
	}
	return to
}

// Reset is what sets totals back to zero: `success`, `never`, or a time such as 24h. The zero value is "not given".
type Reset struct {
	OnSuccess bool
	Never     bool
	After     Duration // of the first attempt that was counted
}

const wantReset = "success, never, or a time after the first that is counted, such as 24h"

// IsZero reports whether it was not given.
func (r Reset) IsZero() bool { return r == Reset{} }

// MarshalText returns the form that Reset reads; YAML and JSON write it so.
func (r Reset) MarshalText() ([]byte, error) {
	switch {
	case r.OnSuccess:
		return []byte("success"), nil
	case r.Never:
		return []byte("never"), nil
	}
	return r.After.MarshalText()
}

// UnmarshalText reads what sets totals back; YAML and JSON read by it.
func (r *Reset) UnmarshalText(text []byte) error {
	switch string(text) {
	case "success":
		*r = Reset{OnSuccess: true}
		return nil
	case "never":
		*r = Reset{Never: true}
		return nil
	}
	var after Duration
	if err := after.UnmarshalText(text); err != nil || after < second || after > maxMaxAge {
		return &valueError{"is not known", wantReset}
	}
	*r = Reset{After: after}
	return nil
}

// PolicyRetention is how long finished webhooks are kept, where it differs from the gateway's: what is known of them, and
// their payloads.
type PolicyRetention struct {
	Metadata Keep `yaml:"metadata,omitempty"`
	Body     Keep `yaml:"body,omitempty"`
}

// Keep is how long, by the state in which a webhook ended: delivered, failed, expired, cancelled. One time alone is that of
// all four. A state that is not given is as in what is extended, and at last as in the gateway's retention.
type Keep map[string]Duration

// IsZero reports whether nothing was given.
func (t Keep) IsZero() bool { return len(t) == 0 }

var finalStates = words([]record.State{record.Delivered, record.Failed, record.Expired, record.Cancelled})

func (Keep) whole(value *yaml.Node) *yaml.Node {
	all := &yaml.Node{Kind: yaml.MappingNode, Line: value.Line, Column: value.Column}
	for _, state := range finalStates {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: state, Line: value.Line, Column: value.Column}
		all.Content = append(all.Content, key, value)
	}
	return all
}

func (r *PolicyRetention) check(k *checker, path string) {
	for key, keep := range map[string]Keep{"metadata": r.Metadata, "body": r.Body} {
		for state, d := range keep {
			at := join(join(path, key), keyForm(state))
			if !slices.Contains(finalStates, state) {
				k.failName(at, state, "is not known"+didYouMean(nearest(state, finalStates)), "one of "+strings.Join(finalStates, ", "))
				continue
			}
			within(k, at, d, 0, maxMetadata)
		}
	}
	for state, d := range r.Body {
		at := join(join(path, "body"), keyForm(state))
		if of, given := r.Metadata[state]; given && k.sound(at) && d > of {
			k.fail(at, d, "outlives the metadata", "at most metadata, which is "+of.String())
		}
	}
}

func (t Keep) compile() policy.Keep {
	if len(t) == 0 {
		return nil
	}
	to := policy.Keep{}
	for state, d := range t {
		to[record.State(state)] = time.Duration(d)
	}
	return to
}
