package webhook

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

type field int

// The fields of a definition. Those with "request" in their name and message_variation_id are from the webhook object
// of Braze's messaging API.
const (
	fieldURL field = iota
	fieldMethod
	fieldRequestMethod
	fieldHeaders
	fieldRequestHeaders
	fieldBody
	fieldBodyBase64
	fieldTenant
	fieldFlow
	fieldPriority
	fieldOrderingKey
	fieldLimitKey
	fieldSubject
	fieldSendAt
	fieldExpiresAt
	fieldExpireEarly
	fieldPolicy
	fieldIdempotencyKey
	fieldType
	fieldMetadata
	fieldVariation
	fieldCredential
	fieldCount
)

var fieldNames = [fieldCount]string{
	"url", "method", "request_method", "headers", "request_headers", "body", "body_base64", "tenant", "flow", "priority",
	"ordering_key", "limit_key", "subject", "send_at", "expires_at", "expire_early", "policy", "idempotency_key", "type", "metadata",
	"message_variation_id", "credential",
}

// byQuotedName finds a field by its name as it stands in the text, without unquoting it.
var byQuotedName = func() map[string]field {
	m := make(map[string]field, fieldCount)
	for f, name := range fieldNames {
		m[`"`+name+`"`] = field(f)
	}
	return m
}()

func (f field) path() string { return "/" + fieldNames[f] }

// fields reads the members of one object into r.raw. Its error means that the text cannot be read on.
func (r *reading) fields(dec *jsontext.Decoder, text []byte) error {
	if dec.PeekKind() != '{' {
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		r.notObject = true
		want := `an object such as {"url":"https://api.example.com/hook","body":{"n":1}}`
		if v.Kind() == '[' {
			want += `, or several as {"webhooks":[…]}`
		}
		r.faults.add(Fault{Value: shownRaw("", v), Problem: "a definition is a JSON object, not " + kindName(v.Kind()), Want: want})
		return nil
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := readValue(dec, text)
		if err != nil {
			return err
		}
		value, err := readValue(dec, text)
		if err != nil {
			return err
		}
		f, known := byQuotedName[string(name)]
		if !known {
			plain := unquote(name)
			if f, known = byQuotedName[`"`+plain+`"`]; !known {
				r.faults.add(unknownField(plain, value))
				continue
			}
		}
		if TooDeep(value) {
			r.faults.add(Fault{
				Path: f.path(), Problem: "arrays and objects are nested too deeply",
				Want: fmt.Sprintf("at most %d levels; deeper JSON can be given as a string", MaxDepth),
			})
			continue
		}
		if value.Kind() != 'n' {
			r.raw[f] = value
		}
	}
	_, err := dec.ReadToken()
	return err
}

// readValue reads the next value as a part of text, which unlike the decoder's own memory stays as it is.
func readValue(dec *jsontext.Decoder, text []byte) (jsontext.Value, error) {
	v, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	end := int(dec.InputOffset())
	return text[end-len(v) : end : end], nil
}

// TooDeep reports whether arrays and objects are nested more than MaxDepth deep.
func TooDeep(v jsontext.Value) bool {
	if k := v.Kind(); k != '{' && k != '[' {
		return false
	}
	if bytes.Count(v, []byte{'{'})+bytes.Count(v, []byte{'['}) <= MaxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// exclusive adds a fault when two fields that say the same are both given. The second is ignored from there on.
func (r *reading) exclusive(f, twin field) {
	if r.raw[f] != nil && r.raw[twin] != nil {
		r.faults.add(Fault{
			Path: twin.path(), Problem: fmt.Sprintf("given beside %s", fieldNames[f]), Want: "only one of the two",
		})
		r.raw[twin] = nil
	}
}

// either returns the one of two fields that is given, or the first.
func (r *reading) either(f, twin field) field {
	if r.raw[f] == nil && r.raw[twin] != nil {
		return twin
	}
	return f
}

// text returns a string field, empty when it is not given or not right.
func (r *reading) text(f field, most int) string {
	raw := r.raw[f]
	if raw == nil {
		return ""
	}
	if raw.Kind() != '"' {
		r.wrongKind(f.path(), raw, "a string")
		return ""
	}
	s := unquote(raw)
	if len(s) > most {
		r.faults.add(Fault{
			Path: f.path(), Value: shownValue(fieldNames[f], s), Problem: fmt.Sprintf("%d bytes are too many", len(s)),
			Want: fmt.Sprintf("at most %d bytes", most),
		})
		return ""
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		r.faults.add(Fault{
			Path: f.path(), Value: shownValue(fieldNames[f], fmt.Sprintf("%q", s)), Problem: "holds a control character",
			Want: "printable text",
		})
		return ""
	}
	return s
}

func (r *reading) wrongKind(path string, raw jsontext.Value, want string) {
	r.faults.add(Fault{Path: path, Value: shownRaw(path, raw), Problem: "is " + kindName(raw.Kind()), Want: want})
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "an array"
	default:
		return "an object"
	}
}
