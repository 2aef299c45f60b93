package webhook

import (
	"strings"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Credentials is what a definition's credential is checked against.
type Credentials interface {
	// For tells which header a credential is the value of, whether there is one of that name for a tenant, and whether it
	// may be sent to a host (record.Lane.Host).
	For(name, tenant, host string) (header string, known, allowed bool)
	// Names are those that a tenant may name.
	Names(tenant string) []string
}

// credential reads the name of what is put into a header when the webhook is sent. It comes after tenant and url.
func (r *reading) credential(w *record.Webhook) {
	name := r.text(fieldCredential, MaxName)
	if name == "" {
		return
	}
	fault := func(problem, want string) {
		r.faults.add(Fault{Path: fieldCredential.path(), Value: Shorten(name), Problem: problem, Want: want})
	}
	var names []string
	if r.defaults.Credentials != nil {
		names = r.defaults.Credentials.Names(w.Tenant)
	}
	if len(names) == 0 {
		fault("is not known: no credential is configured for this tenant", "a name of credentials in the configuration")
		return
	}
	header, known, allowed := r.defaults.Credentials.For(name, w.Tenant, w.Host)
	switch {
	case !known:
		fault("is not known", "one of "+strings.Join(names, ", "))
		return
	case !allowed && w.Host != "":
		fault("is not for host "+w.Host, "a credential whose hosts have it")
		return
	}
	for i := range w.Headers {
		if strings.EqualFold(w.Headers[i].Name, header) {
			fault("is the value of header "+header+", which is given too", "only one of the two")
			return
		}
	}
	w.Credential = name
}
