package configs

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// named returns a policy of that name, a preset or one of the user's, and what it extends.
func (p Policies) named(name string) (of Policy, extends string, known bool) {
	if of, known = presets()[name]; known {
		return of, cmp.Or(of.Extends, None), true
	}
	if of, known = p[name]; known || name == policy.Default {
		return of, cmp.Or(of.Extends, DefaultPreset), true
	}
	return of, "", false
}

// isOwn reports whether a policy is one of the user's.
func (p Policies) isOwn(name string) bool {
	_, is := p[name]
	return (is || name == policy.Default) && !isPreset(name)
}

// chain returns the names of a policy and of what it extends, the nearest first. whole is false where one of them is
// not known, or comes twice; it is the last then.
func (p Policies) chain(name string) (names []string, whole bool) {
	for name != None {
		twice := slices.Contains(names, name)
		names = append(names, name)
		_, extends, known := p.named(name)
		if twice || !known {
			return names, false
		}
		name = extends
	}
	return names, true
}

func (p Policies) checkExtends(k *checker, path, name string) {
	of := p[name]
	if !k.given(path, of.Extends == "") {
		return
	}
	if _, _, known := p.named(of.Extends); !known && of.Extends != None {
		others := slices.DeleteFunc(p.names(), func(other string) bool { return other == name || !isPolicyName(other) })
		oneOf(k, path, of.Extends, append(others, None)...)
		return
	}
	if names, whole := p.chain(name); !whole && names[len(names)-1] == name {
		k.fail(path, of.Extends, "goes round in a circle: "+strings.Join(names, " extends "), "a preset in the end, or none")
	}
}

// checkResolved checks what a policy says together with what it extends. sound are the names of those that have no
// fault of their own: who extends another one is not spoken of before that is mended.
func (p Policies) checkResolved(k *checker, path, name string, sound []string) {
	names, whole := p.chain(name)
	for _, other := range names {
		if !whole || p.isOwn(other) && !slices.Contains(sound, other) {
			return
		}
	}
	own, of := p[name], p.resolve(name)
	if own.ConnectTimeout > of.Timeout {
		k.fail(join(path, "connect_timeout"), own.ConnectTimeout, "is longer than the whole attempt may take",
			"at most the timeout, which is "+of.Timeout.String())
	}
	of.Retry.checkWhole(k, join(path, "retry"))
	of.Retention.check(k, join(path, "retention"))
}

// resolve returns a policy with everything said that it leaves to what it extends. It is for those whose chain is whole.
func (p Policies) resolve(name string) Policy {
	names, _ := p.chain(name)
	of, ownMethods := basis(), false
	for _, name := range slices.Backward(names) {
		next, _, _ := p.named(name)
		if p.isOwn(name) && !ownMethods && next.Methods == nil {
			next.Methods = policy.AllMethods // a preset's bind those who ask for it by its name
		}
		ownMethods = ownMethods || p.isOwn(name) && p[name].Methods != nil
		of = next.over(of)
	}
	of.Extends = None
	of.ConnectTimeout = min(of.ConnectTimeout, of.Timeout) // a short timeout shortens what is inherited with it
	return of
}

// over returns the policy over what it extends: rules go before the other's, a schedule is over the other's as its own
// rule has it, what is kept and sections of few keys are joined key by key, and everything else that is given takes the
// place of what was there.
func (p Policy) over(base Policy) Policy {
	p.Classify = slices.Concat(p.Classify, base.Classify)
	p.Retry = p.Retry.over(base.Retry)
	join := func(keep, base Keep) Keep {
		if joined := maps.Clone(base); joined != nil {
			maps.Copy(joined, keep)
			return joined
		}
		return keep
	}
	p.Retention.Metadata = join(p.Retention.Metadata, base.Retention.Metadata)
	p.Retention.Body = join(p.Retention.Body, base.Retention.Body)
	fill(reflect.ValueOf(&p).Elem(), reflect.ValueOf(base))
	return p
}

// fill sets the fields of a struct that were not given to those of another, in sections of few keys too.
func fill(v, from reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[Throttle](), f.Type() == reflect.TypeFor[Disable]():
			fill(f, from.Field(i))
		case f.IsZero():
			f.Set(from.Field(i))
		}
	}
}
