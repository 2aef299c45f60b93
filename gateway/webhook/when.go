package webhook

import (
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// when reads send_at, expires_at and expire_early.
func (r *reading) when(w *record.Webhook) {
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
func (r *reading) instant(f field) (t time.Time, ok bool) {
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
		r.faults.add(Fault{Path: f.path(), Value: Shorten(s), Problem: "is no time", Want: want})
		return t, false
	}
	return t.UTC(), true
}
