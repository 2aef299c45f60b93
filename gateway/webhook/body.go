package webhook

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Inferred content types, for bodies whose caller named none: as Braze's documentation has it, the type follows from
// the body.
const (
	contentJSON = "application/json"
	contentText = "text/plain; charset=utf-8"
)

// lenient because a body that parses anywhere is JSON; what it means is between its writer and its reader.
var lenient = jsontext.AllowDuplicateNames(true)

// body reads the body, after method and headers.
func (r *reading) body(w *record.Webhook) {
	inferred := ""
	f := r.either(fieldBody, fieldBodyBase64)
	switch raw := r.raw[f]; {
	case raw == nil:
	case f == fieldBodyBase64:
		w.Body = r.bodyBase64(raw)
	default:
		switch raw.Kind() {
		case '"':
			w.Body = unquoteBytes(raw)
			inferred = contentText
			if jsontext.Value(w.Body).IsValid(lenient) {
				inferred = contentJSON
			}
		case '{', '[':
			w.Body, inferred = raw, contentJSON
		default:
			r.wrongKind(f.path(), raw, `a string, sent as it is; an object or array, sent as JSON; or null for none`)
		}
	}
	if len(w.Body) == 0 {
		return
	}
	if w.Method == "GET" || w.Method == "HEAD" {
		r.faults.add(Fault{
			Path: f.path(), Problem: w.Method + " has no body", Want: "another method, or no body",
		})
	}
	if inferred == "" {
		return
	}
	for i := range w.Headers {
		if strings.EqualFold(w.Headers[i].Name, "Content-Type") {
			return
		}
	}
	w.Headers = append(w.Headers, record.Header{Name: "Content-Type", Value: inferred})
}

func (r *reading) bodyBase64(raw jsontext.Value) []byte {
	if raw.Kind() != '"' {
		r.wrongKind(fieldBodyBase64.path(), raw, "a string")
		return nil
	}
	text := unquoteBytes(raw)
	if n, most := base64.StdEncoding.DecodedLen(len(text)), r.defaults.maxSize(); n > most+2 { // DecodedLen counts the padding
		r.faults.add(tooLarge(n, most))
		return nil
	}
	body := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(body, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") { // the decoder would pass over line breaks
		r.faults.add(Fault{
			Path: fieldBodyBase64.path(), Value: fmt.Sprintf("%d characters", len(text)), Problem: "is not base64",
			Want: "the standard alphabet with padding (RFC 4648 section 4), no line breaks",
		})
		return nil
	}
	return body[:n]
}
