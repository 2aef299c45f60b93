package webhook

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// metadata reads the caller's own labels.
func (r *reading) metadata() map[string]string {
	raw := r.raw[fieldMetadata]
	if raw == nil {
		return nil
	}
	if raw.Kind() != '{' {
		r.wrongKind(fieldMetadata.path(), raw, "an object of strings")
		return nil
	}
	var m map[string]string
	total := 0
	r.inner.each(raw, func(_ int, name, value jsontext.Value) {
		key := unquote(name)
		if value.Kind() != '"' {
			r.wrongKind(pointer(fieldMetadata.path(), key), value, "a string")
			return
		}
		if m == nil {
			m = make(map[string]string, 4)
		}
		m[key] = unquote(value)
		total += len(key) + len(m[key])
	})
	if total > MaxMetadata {
		r.faults.add(Fault{
			Path: fieldMetadata.path(), Value: fmt.Sprintf("%d bytes", total), Problem: "is too large",
			Want: fmt.Sprintf("at most %d bytes of names and values together", MaxMetadata),
		})
	}
	return m
}
