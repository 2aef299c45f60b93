package webhook

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/persist/record"
)

// metadata reads the caller's own labels.
func (r *reader) metadata() map[string]string {
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

func (r *reader) priority(w *record.Webhook) {
	word := r.text(fieldPriority, MaxName)
	p, ok := record.ParsePriority(word)
	if !ok {
		r.faults.add(Fault{
			Path: fieldPriority.path(), Value: shorten(word), Problem: "no such priority", Want: "high, normal or low",
		})
	}
	if word == "" && r.defaults.Priority != nil {
		p = r.defaults.Priority(w.Tenant, w.Flow)
	}
	w.Priority = p
}

// when reads send_at, expires_at and expire_early.
func (r *reader) when(w *record.Webhook) {
	sendAt, hasSendAt := r.instant(fieldSendAt)
	expiresAt, hasExpiresAt := r.instant(fieldExpiresAt)
	if hasSendAt {
		w.SendAt = sendAt.UnixMilli()
		if sendAt.Sub(r.now) > MaxSendAtAhead {
			r.faults.add(Fault{
				Path: fieldSendAt.path(), Value: sendAt.Format(time.RFC3339), Problem: "is too far ahead",
				Want: fmt.Sprintf("at most 30 days from now, %s", r.now.Add(MaxSendAtAhead).UTC().Format(time.RFC3339)),
			})
		}
	}
	if hasExpiresAt {
		w.Expires = expiresAt.UnixMilli()
		shown := expiresAt.Format(time.RFC3339)
		switch {
		case !expiresAt.After(r.now):
			r.faults.add(Fault{
				Path: fieldExpiresAt.path(), Value: shown, Problem: "has passed",
				Want: "an instant after now, " + r.now.UTC().Format(time.RFC3339),
			})
		case hasSendAt && !expiresAt.After(sendAt):
			r.faults.add(Fault{
				Path: fieldExpiresAt.path(), Value: shown, Problem: "is not after send_at",
				Want: "an instant after " + sendAt.Format(time.RFC3339),
			})
		}
	}
	switch raw := r.raw[fieldExpireEarly]; {
	case raw == nil:
	case raw.Kind() != 't' && raw.Kind() != 'f':
		r.wrongKind(fieldExpireEarly.path(), raw, "true or false")
	default:
		w.ExpireEarly = raw.Kind() == 't'
		if w.ExpireEarly && r.raw[fieldExpiresAt] == nil {
			r.faults.add(Fault{
				Path: fieldExpireEarly.path(), Value: "true", Problem: "there is no expires_at it could refer to",
				Want: "expires_at as well, or neither",
			})
		}
	}
}

// instant reads a field that is a time. Years stay within four digits, so its Unix milliseconds fit.
func (r *reader) instant(f field) (t time.Time, ok bool) {
	raw := r.raw[f]
	if raw == nil {
		return t, false
	}
	const want = "RFC 3339, as in 2026-01-31T09:30:00Z"
	if raw.Kind() != '"' {
		r.wrongKind(f.path(), raw, want)
		return t, false
	}
	s := unquote(raw)
	if err := t.UnmarshalText([]byte(s)); err != nil {
		r.faults.add(Fault{Path: f.path(), Value: shorten(s), Problem: "is no time", Want: want})
		return t, false
	}
	return t.UTC(), true
}
