package configs

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
)

// Identity are headers, by name, and what they tell the destination of the webhook it gets: delivery (the webhook's
// own id), event, event-type, subscription. A name alone is a header with the delivery's id.
type Identity map[string]string

// IsZero reports whether it was not given; an empty one is: no headers.
func (i Identity) IsZero() bool { return i == nil }

func (Identity) whole(value *yaml.Node) *yaml.Node {
	id := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(policy.DeliveryID), Line: value.Line, Column: value.Column}
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{value, id}, Line: value.Line, Column: value.Column}
}

func (i Identity) check(k *checker, path string) {
	for name, value := range i {
		at := join(path, keyForm(name))
		if !isFieldName(name) {
			k.failName(at, name, "is not the name of a header", "one such as webhook-id")
			continue
		}
		oneOf(k, at, value, words(policy.IdentityValues)...)
	}
}

// compile returns the headers in the order of their names.
func (i Identity) compile() []policy.IdentityHeader {
	var headers []policy.IdentityHeader
	for _, name := range slices.Sorted(maps.Keys(i)) {
		headers = append(headers, policy.IdentityHeader{Name: name, Value: policy.IdentityValue(i[name])})
	}
	return headers
}

// Signature is a scheme that attempts are signed by.
type Signature struct {
	// Scheme is one of sign.Schemes, each named after the sender whose it is.
	Scheme string `yaml:"scheme"`
	// SecretFile holds the secret of webhooks that belong to no subscription; those of a subscription are signed with
	// its own.
	SecretFile string `yaml:"secret_file,omitempty"`
}

func (s *Signature) check(k *checker, path string) {
	at := join(path, "scheme")
	if !k.given(at, s.Scheme == "") {
		k.missing(at, "how to sign, such as "+string(sign.StandardWebhooks))
		return
	}
	oneOf(k, at, s.Scheme, words(sign.Schemes())...)
	if file := join(path, "secret_file"); s.SecretFile != "" && k.sound(at) && !sign.Scheme(s.Scheme).Shared() {
		k.fail(file, s.SecretFile, "is for schemes that share a secret with the receiver", "none: the gateway has a key of its own")
	}
}
