package configs

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder fills structs from a tree of YAML nodes, by their `yaml` tags. The YAML library's own decoder is not used
// for it because its errors know lines but neither paths nor what would be right, and it stops telling at the first
// unknown key of a kind. Values that are not given keep what the struct has.
type decoder struct {
	*checker
	whole reflect.Type // of the file: where a key that is not known may belong
}

// value reads a node into v, which is addressable.
func (d decoder) value(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias // depth is bounded by the structs, so an anchor that holds itself ends in a fault, not in a loop
	}
	d.places[path] = place{n.Line, n.Column, n.Value}
	if short, ok := v.Addr().Interface().(shorthand); ok && n.Kind == yaml.ScalarNode && !isNull(n) {
		n = short.whole(n)
	}
	if v.Kind() == reflect.Pointer { // nil is "not given"
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, path, v.Elem())
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, path, text)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, path, func(key *yaml.Node, path string) { d.field(n, key, path, v) })
	case reflect.Map:
		d.named(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	default:
		d.scalar(n, path, v)
	}
}

// mapping calls each for the keys of a mapping, once for every key. An empty value stands for an empty mapping, which
// is what a section with all its keys commented out is.
func (d decoder) mapping(n *yaml.Node, path string, each func(key *yaml.Node, path string)) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, path, "a mapping of keys to values")
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := place{line: key.Line, column: key.Column}
		if key.Kind != yaml.ScalarNode {
			d.failAt(at, path, kindOf(key), "is no key", "a plain word before the colon")
			continue
		}
		below := join(path, keyForm(key.Value))
		if line, twice := first[key.Value]; twice {
			problem := fmt.Sprintf("is given twice, first in line %d", line)
			d.failAt(at, below, "", problem, "each key once")
			continue
		}
		first[key.Value] = key.Line
		each(key, below)
	}
}

// field reads the value of one key into the field that has its name.
func (d decoder) field(parent, key *yaml.Node, path string, v reflect.Value) {
	var names []string
	for _, f := range fieldsOf(v.Type()) {
		name := yamlName(f)
		if name == key.Value {
			d.value(valueOf(parent, key), path, v.FieldByIndex(f.Index))
			return
		}
		names = append(names, name)
	}
	suggestion := didYouMean(nearest(key.Value, names))
	if suggestion == "" {
		suggestion = didYouMean(homes(key.Value, d.whole, "")...)
	}
	d.failAt(place{line: key.Line, column: key.Column}, path, "",
		"is not a known key"+suggestion, "one of "+strings.Join(names, ", "))
}

// named reads a mapping whose keys are names that the user chose. What is there under a name already is added to.
func (d decoder) named(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind == yaml.MappingNode && v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	d.mapping(n, path, func(key *yaml.Node, path string) {
		name, entry := reflect.ValueOf(key.Value), reflect.New(v.Type().Elem()).Elem()
		if had := v.MapIndex(name); had.IsValid() {
			entry.Set(had)
		}
		d.value(valueOf(n, key), path, entry)
		v.SetMapIndex(name, entry)
	})
}

// list reads a sequence; it replaces what was there.
func (d decoder) list(n *yaml.Node, path string, v reflect.Value) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.wrongKind(n, path, "a list, as in [a, b]")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), list.Index(i))
	}
	v.Set(list)
}

// text reads a scalar into a type with a text form of its own.
func (d decoder) text(n *yaml.Node, path string, v encoding.TextUnmarshaler) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		d.wrongKind(n, path, "a value in one line")
		return
	}
	err := v.UnmarshalText([]byte(n.Value))
	if reason := (*valueError)(nil); errors.As(err, &reason) {
		d.fail(path, n.Value, reason.problem, reason.want)
	} else if err != nil {
		d.fail(path, n.Value, "is not valid", err.Error())
	}
}

// scalar reads a text, a number or a truth value. A quoted number is a text, and a number is no text: guessing either
// way would make a mistake look like a setting.
func (d decoder) scalar(n *yaml.Node, path string, v reflect.Value) {
	tag := n.ShortTag()
	want := map[reflect.Kind]string{
		reflect.String: "a text", reflect.Bool: "true or false", reflect.Float64: "a number",
	}[v.Kind()]
	if want == "" {
		want = "a whole number"
	}
	ok := false
	switch {
	case n.Kind != yaml.ScalarNode:
	case v.Kind() == reflect.String && tag == "!!str":
		v.SetString(n.Value)
		ok = true
	case v.Kind() == reflect.Bool && tag == "!!bool":
		v.SetBool(strings.EqualFold(n.Value, "true"))
		ok = true
	case v.CanInt() && tag == "!!int":
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		v.SetInt(i)
		ok = err == nil
	case v.CanFloat() && slices.Contains([]string{"!!int", "!!float"}, tag):
		f, err := strconv.ParseFloat(n.Value, 64)
		v.SetFloat(f)
		ok = err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	switch numeric := v.CanInt() || v.CanFloat(); {
	case ok:
	case numeric && (tag == "!!int" || tag == "!!float"):
		d.fail(path, n.Value, "is not "+want, want+", in decimal digits")
	default:
		d.wrongKind(n, path, want)
	}
}

func (d decoder) wrongKind(n *yaml.Node, path, want string) {
	d.failAt(place{line: n.Line, column: n.Column}, path, n.Value, "is "+kindOf(n), want)
}

// yamlName returns the key of a field; every field of the configuration has one.
func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// valueOf returns the value that follows key in a mapping.
func valueOf(parent, key *yaml.Node) *yaml.Node {
	return parent.Content[slices.Index(parent.Content, key)+1]
}

// kindOf says in words what a node is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return "empty"
	case "!!bool":
		return "a truth value"
	case "!!int", "!!float":
		return "a number"
	case "!!str":
		return "a text"
	default:
		return "a value tagged " + printable(shorten(tag))
	}
}

// keyForm returns a key as it stands in a path: quoted where it would read as more than one step.
func keyForm(key string) string {
	if key == "" || strings.ContainsAny(key, ".[]:\" ") || !isPlain(key) {
		return strconv.Quote(shorten(key))
	}
	return shorten(key)
}
