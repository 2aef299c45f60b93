// Package credential keeps what webhooks name instead of carrying it: header values that are read from files, and access
// tokens that are fetched. A definition says `credential: crm`, and what that stands for is looked up when it is sent, so
// that a backlog outlives a token.
//
// It hands a credential to nobody but the hosts that it is for, never logs or stores one, and never decides what a refusal
// means for a webhook: gateway/dispatch does.
package credential

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Spec is what one credential is. Either File or OAuth2 is set.
type Spec struct {
	Name    string
	Header  string                 // which field it is the value of
	Hosts   func(host string) bool // whether it is for a host, as record.Lane has it; never nil
	Tenants []string               // that may name it; nil: all
	File    string                 // whose one line is the value
	OAuth2  *OAuth2                // nil: File
}

// ErrUnavailable is wrapped by errors of Header: there is nothing to send just now, which may change without the webhook.
var ErrUnavailable = errors.New("credential not to be had")

// source is where a value comes from. Its methods may be called by many at once.
type source interface {
	// value returns what is to be sent now, within a time.
	value(within time.Duration) (string, error)
	// refused takes note that a destination answered 401 to a value, and reports whether asking for another may help.
	refused(value string) bool
}

// Set is every credential there is. It is not changed: a reload puts another in its place, see New.
type Set struct {
	log   zerolog.Logger
	named map[string]*entry
}

type entry struct {
	spec   Spec
	source source
	state  state
}

// Fetch makes one exchange, as egress.Client.Do does; the guard of every way out judges the token endpoint too.
type Fetch func(*egress.Request, *egress.Response)

// New makes a set. Entries that are what they were in the set before keep what they hold, tokens above all; before may be
// nil.
func New(specs []Spec, fetch Fetch, before *Set, log zerolog.Logger) *Set {
	s := &Set{log: log, named: make(map[string]*entry, len(specs))}
	for _, spec := range specs {
		e := &entry{spec: spec}
		if was := before.kept(&spec); was != nil {
			e.source = was.source
		} else if spec.OAuth2 != nil {
			e.source = &oauth2{of: *spec.OAuth2, fetch: fetch}
		} else {
			e.source = &file{path: spec.File}
		}
		s.named[spec.Name] = e
	}
	return s
}

// kept returns the entry whose source goes on under a specification.
func (s *Set) kept(spec *Spec) *entry {
	if s == nil || spec.OAuth2 == nil {
		return nil
	}
	if was := s.named[spec.Name]; was != nil && was.spec.OAuth2 != nil && *was.spec.OAuth2 == *spec.OAuth2 {
		return was
	}
	return nil
}

// Names returns the credentials that a tenant may name, sorted.
func (s *Set) Names(tenant string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		if s.named[name].spec.mayName(tenant) {
			names = append(names, name)
		}
	}
	return names
}

func (s *Spec) mayName(tenant string) bool {
	return s.Tenants == nil || slices.Contains(s.Tenants, tenant)
}

// For tells which header a credential is the value of, whether a tenant may name it (what it may not is not there), and
// whether it is for a host.
func (s *Set) For(name, tenant, host string) (header string, known, allowed bool) {
	e := s.named[name]
	if e == nil || !e.spec.mayName(tenant) {
		return "", false, false
	}
	return e.spec.Header, true, e.spec.Hosts(host)
}

// Header returns the field to send to a host, within a time. Its errors wrap ErrUnavailable and hold no secret. The host
// is judged again, as the configuration may have changed since the webhook was accepted.
func (s *Set) Header(name, tenant, host string, within time.Duration) (record.Header, error) {
	header, known, allowed := s.For(name, tenant, host)
	switch {
	case !known:
		return record.Header{}, fmt.Errorf("%w: %s is not configured", ErrUnavailable, name)
	case !allowed:
		return record.Header{}, fmt.Errorf("%w: %s is not for %s", ErrUnavailable, name, host)
	}
	e := s.named[name]
	value, err := e.source.value(within)
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrUnavailable, name, err)
		e.state.failed(s.log, name, host, err)
		return record.Header{}, err
	}
	return record.Header{Name: header, Value: value}, nil
}

// Refused takes note that a host answered 401 to what Header returned, and reports whether it is worth asking Header for
// another value at once.
func (s *Set) Refused(name string, sent record.Header) bool {
	e := s.named[name]
	return e != nil && e.source.refused(sent.Value)
}

// Settled takes note of how an exchange ended that a credential was sent with: whether the destination took it. Each
// change is logged once.
func (s *Set) Settled(name, host string, taken bool) {
	e := s.named[name]
	switch {
	case e == nil:
	case taken:
		e.state.recovered(s.log, name, host)
	default:
		e.state.failed(s.log, name, host, errRefused)
	}
}

var errRefused = errors.New("the destination answered 401 to it, and to a fresh one if there was any")
