package subscription

import (
	"cmp"
	"slices"
	"strings"
)

// index finds the subscriptions of one tenant that ask for an event's type: by its name and by each of the prefixes that
// end at one of its dots, so that it costs what is found, not what there is.
type index struct {
	exact  map[string][]*Entry
	prefix map[string][]*Entry // by what stands before the *, its dot included
	all    []*Entry
}

func newIndex() *index { return &index{exact: map[string][]*Entry{}, prefix: map[string][]*Entry{}} }

// visit has do change each list that a subscription belongs into.
func (x *index) visit(e *Entry, do func([]*Entry) []*Entry) {
	for _, p := range disjoint(e.Record.Types) {
		switch prefix, ok := strings.CutSuffix(p, ".*"); {
		case p == everything:
			x.all = do(x.all)
		case ok:
			change(x.prefix, prefix+".", do)
		default:
			change(x.exact, p, do)
		}
	}
}

func change(m map[string][]*Entry, key string, do func([]*Entry) []*Entry) {
	if list := do(m[key]); len(list) > 0 {
		m[key] = list
		return
	}
	delete(m, key)
}

func (x *index) add(e *Entry) {
	x.visit(e, func(list []*Entry) []*Entry { return append(list, e) })
}

func (x *index) remove(e *Entry) {
	x.visit(e, func(list []*Entry) []*Entry {
		return slices.DeleteFunc(list, func(o *Entry) bool { return o == e })
	})
}

// find returns those that ask for a type, by their ids. No pattern of one subscription covers another, so that none is
// found twice.
func (x *index) find(eventType string) []*Entry {
	found := slices.Concat(x.exact[eventType], x.all)
	for i := range len(eventType) {
		if eventType[i] == '.' {
			found = append(found, x.prefix[eventType[:i+1]]...)
		}
	}
	slices.SortFunc(found, func(a, b *Entry) int { return cmp.Compare(a.Record.ID, b.Record.ID) })
	return found
}
