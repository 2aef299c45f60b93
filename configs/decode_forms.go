package configs

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Listed is a list for which empty is not the same as not given: nil is not given, and is not written either.
type Listed[T any] []T

// IsZero reports whether it was not given.
func (l Listed[T]) IsZero() bool { return l == nil }

// shorthand is a type that may also be written as a single value; whole returns what the value stands for.
type shorthand interface {
	whole(value *yaml.Node) *yaml.Node
}

// listOf is the list of one value, which is what a shorthand for a list stands for.
func listOf(value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}, Line: value.Line, Column: value.Column}
}

// fieldsOf returns the fields of a struct that have keys of their own in YAML: those of inlined structs are its own.
func fieldsOf(of reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for f := range of.Fields() {
		if !isInline(f) {
			fields = append(fields, f)
			continue
		}
		for _, inner := range fieldsOf(f.Type) {
			inner.Index = append([]int{f.Index[0]}, inner.Index...)
			fields = append(fields, inner)
		}
	}
	return fields
}

func isInline(f reflect.StructField) bool { return strings.HasSuffix(f.Tag.Get("yaml"), ",inline") }
