package webhook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gateway/sluice/persist/record"
)

// method reads and checks the request method.
func (r *reading) method(w *record.Webhook) {
	f := r.either(fieldMethod, fieldRequestMethod)
	given := r.text(f, MaxName)
	w.Method = or(given, defaultMethod)
	allowed, known := r.defaults.Policies.Methods(w.Policy)
	if !known {
		r.faults.add(Fault{
			Path: fieldPolicy.path(), Value: Shorten(w.Policy), Problem: "no such policy",
			Want: "one of " + strings.Join(r.defaults.Policies.Names(), ", "),
		})
		return
	}
	if unsigned := r.defaults.Unsigned; unsigned != nil {
		if problem, want := unsigned(w.Policy); problem != "" {
			r.faults.add(Fault{Path: fieldPolicy.path(), Value: Shorten(w.Policy), Problem: problem, Want: want})
		}
	}
	if slices.Contains(allowed, w.Method) {
		return
	}
	fault := Fault{
		Path: f.path(), Value: Shorten(given), Problem: fmt.Sprintf("not a method of policy %s", w.Policy),
		Want: "one of " + strings.Join(allowed, ", "),
	}
	if upper := strings.ToUpper(given); upper != given && slices.Contains(allowed, upper) {
		fault.Want = upper + ": methods are case-sensitive"
	}
	r.faults.add(fault)
}
