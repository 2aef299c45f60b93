package subscription

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// definitionFields are what a definition may say, in the order of its documentation.
var definitionFields = []string{
	"url", "name", "types", "products", "filter", "policy", "headers", "secret", "enabled", "tenant", "metadata",
}

// delivered are those of them that the webhooks which a subscription makes have as well: they are checked as theirs.
var delivered = []string{"url", "headers", "policy", "tenant", "metadata"}

// Draft is what a definition asks for, checked.
type Draft struct {
	// Record has all but ID, Secrets, Disabled and the instants.
	Record  record.Subscription
	Secret  string          // empty: none was given
	Enabled *bool           // nil: not said
	Given   map[string]bool // the fields that were given

	entry *Entry // compiled, but for what Record lacks
}

// Parse reads a definition. Faults are all that is wrong with it; the draft is nil when there are any.
func Parse(text []byte, now time.Time, d *webhook.Defaults) (*Draft, webhook.Faults) {
	o, faults := parseObject(text, "a subscription", definitionFields)
	if faults != nil {
		return nil, faults
	}
	given := map[string]bool{}
	for name := range o.members {
		given[name] = true
	}
	return read(o, given, now, d)
}

// ParseChange reads what is to be different of a subscription: what is given stands in place of what it has, null for
// what it would have if nothing were given.
func ParseChange(text []byte, is *record.Subscription, now time.Time, d *webhook.Defaults) (*Draft, webhook.Faults) {
	o, faults := parseObject(text, "a change", definitionFields)
	if faults != nil {
		return nil, faults
	}
	given := map[string]bool{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(o.members)), slices.Collect(maps.Keys(o.nulls))) {
		given[name] = true
	}
	if given["tenant"] {
		o.fault("/tenant", "", "cannot be changed", "a subscription of that tenant instead")
	}
	for name, value := range asDefinition(is) {
		if !given[name] {
			o.members[name] = value
		}
	}
	return read(o, given, now, d)
}

// asDefinition writes a subscription as the definition that it is of.
func asDefinition(s *record.Subscription) map[string]jsontext.Value {
	m := map[string]jsontext.Value{
		"url": encode(s.URL), "name": encode(s.Name), "types": encode(s.Types), "filter": encode(s.Filter),
		"policy": encode(s.Policy), "tenant": encode(s.Tenant),
	}
	if len(s.Products) > 0 {
		m["products"] = encode(s.Products)
	}
	if len(s.Metadata) > 0 {
		m["metadata"] = encode(s.Metadata)
	}
	if len(s.Headers) > 0 {
		pairs := make([][2]string, len(s.Headers))
		for i, h := range s.Headers {
			pairs[i] = [2]string{h.Name, h.Value}
		}
		m["headers"] = encode(pairs)
	}
	return m
}

// encode writes what JSON can always carry.
func encode(v any) jsontext.Value {
	b, _ := json.Marshal(v) //nolint:errchkjson // strings, and lists and maps of them
	return b
}

// read checks the members of a definition.
func read(o *object, given map[string]bool, now time.Time, d *webhook.Defaults) (*Draft, webhook.Faults) {
	draft := &Draft{Given: given, Enabled: o.truth("enabled"), Secret: o.secret()}
	s := &draft.Record
	template := o.template(now, d)
	if template != nil {
		s.URL, s.Headers, s.Policy = template.URL, template.Headers, template.Policy
		s.Tenant, s.Metadata = template.Tenant, template.Metadata
	}
	s.Name = o.text("name", MaxName)
	s.Types = o.texts("types", MaxTypes, checkPattern)
	if o.given("types") && len(s.Types) == 0 && len(o.faults) == 0 {
		o.fault("/types", "[]", "is empty", `at least one, or ["*"] for every event`)
	}
	if !o.given("types") {
		s.Types = []string{everything}
	}
	s.Products = o.texts("products", MaxProducts, checkProduct)
	s.Filter = strings.TrimSpace(o.text("filter", MaxFilter))
	entry, err := compile(s)
	if err != nil {
		o.fault("/filter", webhook.Shorten(s.Filter), err.Error(),
			"an expression such as data.total > 100 and data.country in [\"FR\", \"BE\"]")
	}
	if len(o.faults) > 0 {
		return nil, o.faults
	}
	draft.entry = entry
	return draft, nil
}

// template reads the fields of the webhooks that a subscription makes, as such; nil where they have faults.
func (o *object) template(now time.Time, d *webhook.Defaults) *record.Webhook {
	b := []byte(`{"method":"POST"`)
	size := 0
	for _, name := range delivered {
		if raw := o.members[name]; raw != nil {
			b = append(append(append(append(b, `,"`...), name...), `":`...), raw...)
			size += len(raw)
		}
	}
	if size > MaxAddress {
		o.faults = append(o.faults, webhook.Fault{
			Problem: fmt.Sprintf("%d bytes of URL, headers and metadata are too many", size),
			Want:    fmt.Sprintf("at most %d", MaxAddress), TooLarge: true,
		})
		return nil
	}
	of := *d
	of.Policy, of.Unsigned = DefaultPolicy, nil // a subscription has a secret of its own to sign with
	def, faults := webhook.Parse(append(b, '}'), now, &of)
	if faults != nil {
		o.faults = append(o.faults, faults...)
		return nil
	}
	return &def.Webhook
}

// secret reads what deliveries are to be signed with.
func (o *object) secret() string {
	s := o.text("secret", MaxSecret)
	if !o.given("secret") || s == "" {
		return ""
	}
	if problem := checkSecret(s); problem != "" {
		o.fault("/secret", webhook.Masked, problem, wantSecret)
		return ""
	}
	return s
}

var wantSecret = fmt.Sprintf(
	"%d to %d printable ASCII characters without spaces, as in whsec_ and base64 (or none, for one to be made)", MinSecret, MaxSecret)

// checkSecret says what is wrong with a secret; empty: nothing.
func checkSecret(s string) string {
	switch {
	case len(s) < MinSecret || len(s) > MaxSecret:
		return fmt.Sprintf("has %d characters", len(s))
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "holds a space, or a character that is not printable ASCII"
	}
	return ""
}
