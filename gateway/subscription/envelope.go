package subscription

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// contentJSON is the type of what envelopes make.
const contentJSON = "application/json"

// wrapped returns what a delivery sends under an envelope, and its type. Created must be set.
func (e *Event) wrapped(envelope policy.Envelope) (body []byte, contentType string) {
	if e.Body != nil {
		return e.Body, e.bodyType()
	}
	switch envelope {
	case policy.StandardWebhooks: // https://github.com/standard-webhooks/standard-webhooks, spec, "Payload structure"
		b := appendString([]byte(`{"type":`), e.Type)
		b = append(b, `,"timestamp":"`...)
		b = e.Created.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
		return closing(append(b, `","data":`...), e.Data), contentJSON
	case policy.Advocate: // impact.com's Advocate documentation, "Webhooks", section on the event's format
		b := appendString([]byte(`{"id":`), e.ID)
		b = appendString(append(b, `,"type":`...), e.Type)
		b = appendString(append(b, `,"tenantAlias":`...), e.Tenant)
		b = strconv.AppendBool(append(b, `,"live":`...), e.Live)
		b = strconv.AppendInt(append(b, `,"created":`...), e.Created.UnixMilli(), 10)
		return closing(append(b, `,"data":`...), e.Data), contentJSON
	}
	return e.Data, contentJSON
}

func closing(b, data []byte) []byte { return append(append(b, data...), '}') }

func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // what was read from JSON is UTF-8
	return b
}

// bodyType is the type of a body that is sent as it stands.
func (e *Event) bodyType() string {
	switch {
	case e.ContentType != "":
		return e.ContentType
	case jsontext.Value(e.Body).IsValid(jsontext.AllowDuplicateNames(true)):
		return contentJSON
	}
	return "text/plain; charset=utf-8"
}
