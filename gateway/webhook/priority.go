package webhook

import "github.com/sluice-gateway/sluice/persist/record"

// priority reads the field, or takes the flow's where a definition states none.
func (r *reading) priority(w *record.Webhook) {
	word := r.text(fieldPriority, MaxName)
	p, ok := record.ParsePriority(word)
	if !ok {
		r.faults.add(Fault{
			Path: fieldPriority.path(), Value: Shorten(word), Problem: "no such priority", Want: "high, normal or low",
		})
	}
	if word == "" && r.defaults.Priority != nil {
		p = r.defaults.Priority(w.Tenant, w.Flow)
	}
	w.Priority = p
}
