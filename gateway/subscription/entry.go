package subscription

import (
	"slices"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Entry is a subscription as it is matched against events. It is never changed, only replaced, so that many may look at
// it at once.
type Entry struct {
	Record *record.Subscription

	filter   *filter // nil: it has none
	products map[string]struct{}
}

// compile makes an entry of a subscription; its error says what is wrong with the filter.
func compile(s *record.Subscription) (*Entry, error) {
	e := &Entry{Record: s}
	if s.Filter != "" {
		f, err := compileFilter(s.Filter)
		if err != nil {
			return nil, err
		}
		e.filter = f
	}
	if len(s.Products) > 0 {
		e.products = make(map[string]struct{}, len(s.Products))
		for _, p := range s.Products {
			e.products[p] = struct{}{}
		}
	}
	return e, nil
}

// wants reports whether an event whose type fits is for this subscription. With products it wants only events of one of
// them, and so none that is of no product at all.
func (e *Entry) wants(event *Event) bool {
	if e.products != nil && !slices.ContainsFunc(event.Products, func(p string) bool {
		_, ok := e.products[p]
		return ok
	}) {
		return false
	}
	return e.filter == nil || e.filter.matches(event.names())
}
