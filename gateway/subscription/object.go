package subscription

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// object is a JSON object while it is read: its members as received, and what is wrong with them.
type object struct {
	members map[string]jsontext.Value // those given, but for null
	nulls   map[string]bool
	faults  webhook.Faults
}

// readObject reads the next value of a decoder as an object with no members but those named. Its error means that the
// text cannot be read on.
func readObject(dec *jsontext.Decoder, what string, names []string) (*object, error) {
	o := &object{members: map[string]jsontext.Value{}, nulls: map[string]bool{}}
	if k := dec.PeekKind(); k != '{' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		o.fault("", webhook.Shorten(string(v)), what+" is a JSON object", "an object with "+strings.Join(names, ", "))
		return o, nil
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		plain := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		switch {
		case !slices.Contains(names, plain):
			o.fault("/"+webhook.Shorten(plain), "", "unknown field", "one of "+strings.Join(names, ", "))
		case value.Kind() == 'n':
			o.nulls[plain] = true
		default:
			o.members[plain] = value.Clone()
		}
	}
	_, err := dec.ReadToken()
	return o, err
}

// parseObject is readObject of a text that is one object and nothing else.
func parseObject(text []byte, what string, names []string) (*object, webhook.Faults) {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	o, err := readObject(dec, what, names)
	if err != nil {
		return nil, webhook.Faults{webhook.SyntaxFault(err)}
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		o.fault("", "", "something follows "+what, "one JSON object and nothing after it")
	}
	return o, nil
}

func (o *object) given(name string) bool { return o.members[name] != nil }

func (o *object) fault(path, value, problem, want string) {
	o.faults = append(o.faults, webhook.Fault{Path: path, Value: value, Problem: problem, Want: want})
}

// text returns a string member of at most so many bytes, without control characters; empty where it is not given, or not
// right.
func (o *object) text(name string, most int) string {
	raw := o.members[name]
	if raw == nil {
		return ""
	}
	var s string
	if raw.Kind() != '"' || json.Unmarshal(raw, &s) != nil {
		o.fault("/"+name, "", "is no string", "a string")
		return ""
	}
	if problem, want := checkText(s, most); problem != "" {
		o.fault("/"+name, shown(name, s), problem, want)
		return ""
	}
	return s
}

func checkText(s string, most int) (problem, want string) {
	if len(s) > most {
		return fmt.Sprintf("%d bytes are too many", len(s)), fmt.Sprintf("at most %d bytes", most)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
		return "holds a control character", "printable text"
	}
	return "", ""
}

// texts returns a member that is an array of strings, each checked.
func (o *object) texts(name string, most int, check func(string) string) []string {
	raw := o.members[name]
	if raw == nil {
		return nil
	}
	var elements []json.RawMessage
	if raw.Kind() != '[' || json.Unmarshal(raw, &elements) != nil {
		o.fault("/"+name, "", "is no array", "an array of strings")
		return nil
	}
	if len(elements) > most {
		o.fault("/"+name, "", fmt.Sprintf("%d are too many", len(elements)), fmt.Sprintf("at most %d", most))
		return nil
	}
	var all []string
	for i, e := range elements {
		path := "/" + name + "/" + strconv.Itoa(i)
		var s string
		if jsontext.Value(e).Kind() != '"' || json.Unmarshal(e, &s) != nil {
			o.fault(path, "", "is no string", "a string")
			continue
		}
		if problem := check(s); problem != "" {
			o.fault(path, webhook.Shorten(strconv.Quote(s)), problem, wantOf[name])
			continue
		}
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// wantOf is what would be right for the elements of an array.
var wantOf = map[string]string{
	"types":    `an event type such as order.paid, all of a prefix such as order.*, or * for every one`,
	"products": fmt.Sprintf("1 to %d bytes of printable text", MaxName),
}

func checkProduct(s string) string {
	if s == "" {
		return "is empty"
	}
	problem, _ := checkText(s, MaxName)
	return problem
}

// truth returns a boolean member; nil where it is not given, or not right.
func (o *object) truth(name string) *bool {
	raw := o.members[name]
	if raw == nil {
		return nil
	}
	if k := raw.Kind(); k != 't' && k != 'f' {
		o.fault("/"+name, webhook.Shorten(string(raw)), "is no boolean", "true or false")
		return nil
	}
	is := raw.Kind() == 't'
	return &is
}

// shown is a value as a fault shows it.
func shown(name, value string) string {
	if webhook.Secret(name) {
		return webhook.Masked
	}
	return webhook.Shorten(value)
}
