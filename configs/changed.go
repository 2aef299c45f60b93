package configs

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
)

// Changed returns the paths of the values in which two configurations differ, in the order of the file. Entries of
// limits.hosts, flows and tenants are told by their match, wherever in the list they stand:
// limits.hosts[api.example.com].share. What only one of the two has is named as a whole.
func Changed(a, b *Config) []string {
	var d differences
	d.find("", reflect.ValueOf(*a), reflect.ValueOf(*b))
	return d
}

// differences are paths.
type differences []string

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

func (d *differences) find(path string, a, b reflect.Value) {
	switch of := a.Type(); {
	case reflect.PointerTo(of).Implements(textType): // one word in the file, whatever it is made of
		d.compare(path, a, b)
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			d.find(join(path, yamlName(of.Field(i))), a.Field(i), b.Field(i))
		}
	case of == reflect.TypeFor[Policies]():
		d.findNamed(a, b, func(name string) string { return join(path, keyForm(name)) })
	case of == reflect.TypeFor[[]Host](), of == reflect.TypeFor[[]Flow](), of == reflect.TypeFor[[]Tenant]():
		d.findNamed(byMatch(a), byMatch(b), func(match string) string { return path + "[" + match + "]" })
	default:
		d.compare(path, a, b)
	}
}

// findNamed compares two maps by their keys.
func (d *differences) findNamed(a, b reflect.Value, path func(name string) string) {
	names := map[string]bool{}
	for _, name := range append(a.MapKeys(), b.MapKeys()...) {
		names[name.String()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		of, with := a.MapIndex(reflect.ValueOf(name)), b.MapIndex(reflect.ValueOf(name))
		if !of.IsValid() || !with.IsValid() {
			*d = append(*d, path(name))
			continue
		}
		d.find(path(name), of, with)
	}
}

func (d *differences) compare(path string, a, b reflect.Value) {
	if a.Kind() == reflect.Slice && a.Len()+b.Len() == 0 && given(a) == given(b) { // nil or empty is the same to a reader
		return
	}
	if !reflect.DeepEqual(a.Interface(), b.Interface()) {
		*d = append(*d, path)
	}
}

// given tells an empty list that was given from none, where that is not the same: see Listed.
func given(list reflect.Value) bool {
	l, told := list.Interface().(interface{ IsZero() bool })
	return told && !l.IsZero()
}

// byMatch returns entries as a map from their match, and of flows their tenant.
func byMatch(entries reflect.Value) reflect.Value {
	of := entries.Type().Elem()
	m := reflect.MakeMapWithSize(reflect.MapOf(reflect.TypeFor[string](), of), entries.Len())
	for i := range entries.Len() {
		e := entries.Index(i)
		name := e.FieldByName("Match").String()
		if tenant := e.FieldByName("Tenant"); tenant.IsValid() && tenant.String() != "" {
			name += " of " + tenant.String()
		}
		m.SetMapIndex(reflect.ValueOf(name), e)
	}
	return m
}
