package webhook

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/persist/record"
)

const wantHeaders = `an object such as {"X-Campaign":"spring"}, whose values may be arrays of strings, ` +
	`or an array of [name, value]`

// headers reads the request's header fields in any of their three forms; order and case are kept.
func (r *reading) headers(w *record.Webhook) {
	f := r.either(fieldHeaders, fieldRequestHeaders)
	raw := r.raw[f]
	if raw == nil {
		return
	}
	if k := raw.Kind(); k != '{' && k != '[' {
		r.wrongKind(f.path(), raw, wantHeaders)
		return
	}
	w.Headers = make([]record.Header, 0, 8)
	r.inner.each(raw, func(i int, name, value jsontext.Value) {
		at := place{field: f, element: i, inner: none}
		if name == nil {
			r.headerPair(w, at, value)
			return
		}
		at.name, at.element = unquote(name), none
		r.headerValues(w, at, value)
	})
}

// place is where a header stands in the definition; its path is only made when there is a fault to tell.
type place struct {
	field   field
	name    string // of an object's member; unused where element is set
	element int    // of the array; none: headers is an object
	inner   int    // among a name's values; none: it has a single one
}

const none = -1

func (p place) path() string {
	path := p.field.path()
	if p.element != none {
		return path + "/" + strconv.Itoa(p.element)
	}
	path = pointer(path, p.name)
	if p.inner != none {
		path += "/" + strconv.Itoa(p.inner)
	}
	return path
}

// headerValues adds the value, or each of the values, that an object has under a name.
func (r *reading) headerValues(w *record.Webhook, at place, value jsontext.Value) {
	switch value.Kind() {
	case '"':
		r.header(w, at, at.name, unquote(value))
	case '[':
		new(scanner).each(value, func(i int, _, one jsontext.Value) {
			at.inner = i
			if one.Kind() == '"' {
				r.header(w, at, at.name, unquote(one))
				return
			}
			r.faults.add(Fault{
				Path: at.path(), Value: shownRaw(at.name, one), Problem: "is " + kindName(one.Kind()), Want: "a string",
			})
		})
	default:
		r.faults.add(Fault{
			Path: at.path(), Value: shownRaw(at.name, value), Problem: "is " + kindName(value.Kind()),
			Want: "a string, or an array of strings",
		})
	}
}

// headerPair adds one [name, value].
func (r *reading) headerPair(w *record.Webhook, at place, pair jsontext.Value) {
	var parts []string
	strange := pair.Kind() != '['
	if !strange {
		new(scanner).each(pair, func(_ int, _, part jsontext.Value) {
			if part.Kind() != '"' {
				strange = true
				return
			}
			parts = append(parts, unquote(part))
		})
	}
	if strange || len(parts) != 2 {
		// What it holds is not shown: it may be a credential, and no name tells.
		r.faults.add(Fault{
			Path: at.path(), Problem: "is not a pair of strings", Want: `[name, value], as in ["X-Campaign","spring"]`,
		})
		return
	}
	r.header(w, at, parts[0], parts[1])
}

// header checks one field and adds it.
func (r *reading) header(w *record.Webhook, at place, name, value string) {
	switch {
	case !isToken(name):
		r.faults.add(Fault{
			Path: at.path(), Value: Shorten(strconv.Quote(name)), Problem: "is no header name",
			Want: "letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2)",
		})
	case Reserved(name):
		r.faults.add(Fault{
			Path: at.path(), Value: Shorten(MaskHeader(name, value)), Problem: name + " is written by the gateway",
			Want: "the definition without it",
		})
	case !isFieldValue(value):
		r.faults.add(Fault{
			Path: at.path(), Value: shownValue(name, strconv.Quote(value)),
			Problem: "the header's value holds a line break or another control character",
			Want:    "one line of text (RFC 9110 section 5.5)",
		})
	default:
		w.Headers = append(w.Headers, record.Header{Name: name, Value: value})
	}
}

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return s != ""
}

var tokenByte = func() (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || c >= 'a' || c >= 'A' && c <= 'Z'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
