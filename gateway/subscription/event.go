package subscription

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Event is something that happened, as its sender published it. Exactly one of Data and Body is set.
type Event struct {
	ID       string // empty until one is given to it
	Type     string
	Tenant   string
	Live     bool
	Products []string
	Subject  string    // whom it is about; empty: not said
	Created  time.Time // when it happened, as its sender says; zero: not said
	// Data is JSON as received, which the envelope of each delivery's policy goes around.
	Data []byte
	// Body is what every delivery sends as it stands, whatever its policy's envelope.
	Body        []byte
	ContentType string // of Body; empty: what it looks like

	parsed map[string]any // for filters; made when the first one asks
}

// eventFields are what an event may say, in the order of its documentation.
var eventFields = []string{"type", "data", "body", "body_base64", "id", "tenant", "live", "product", "products", "subject", "created"}

// EventDefaults are what an event is read with.
type EventDefaults struct {
	Tenant  string // of events that name none; never empty
	MaxSize int    // bytes of data or body; above 0
}

// ParseEvent reads an event from a text that is one and nothing else.
func ParseEvent(text []byte, d *EventDefaults) (*Event, webhook.Faults) {
	o, faults := parseObject(text, "an event", eventFields)
	if faults != nil {
		return nil, faults
	}
	return o.event(d)
}

// ReadEvent reads the next value of a decoder as an event. Its error means that the text cannot be read on.
func ReadEvent(dec *jsontext.Decoder, d *EventDefaults) (*Event, webhook.Faults, error) {
	o, err := readObject(dec, "an event", eventFields)
	if err != nil {
		return nil, nil, err
	}
	e, faults := o.event(d)
	return e, faults, nil
}

func (o *object) event(d *EventDefaults) (*Event, webhook.Faults) {
	e := &Event{Live: true, Tenant: d.Tenant, ID: o.text("id", MaxID), Created: o.instant("created")}
	if t := o.text("tenant", MaxName); t != "" {
		e.Tenant = t
	}
	if live := o.truth("live"); live != nil {
		e.Live = *live
	}
	e.Type = o.text("type", MaxType)
	e.Subject = o.text("subject", MaxName)
	e.Products = o.texts("products", MaxProducts, checkProduct)
	if p := o.text("product", MaxName); p != "" {
		e.Products = union(e.Products, []string{p})
	}
	o.content(e, d)
	if len(o.faults) == 0 {
		o.faults = e.Check(d)
	}
	if len(o.faults) > 0 {
		return nil, o.faults
	}
	return e, nil
}

// Check says what is wrong with an event, wherever it was read from.
func (e *Event) Check(d *EventDefaults) (faults webhook.Faults) {
	if problem := checkType(e.Type); problem != "" {
		faults = append(faults, webhook.Fault{Path: "/type", Value: webhook.Shorten(e.Type), Problem: problem, Want: "a name such as order.paid"})
	} else if strings.ContainsRune(e.Type, '*') {
		faults = append(faults, webhook.Fault{Path: "/type", Value: e.Type, Problem: "holds a *", Want: "a name such as order.paid"})
	}
	if strings.ContainsFunc(e.ID, func(r rune) bool { return r <= ' ' || r > '~' }) || len(e.ID) > MaxID {
		faults = append(faults, webhook.Fault{
			Path: "/id", Value: webhook.Shorten(e.ID), Problem: "is no id",
			Want: fmt.Sprintf("1 to %d printable ASCII characters without spaces", MaxID),
		})
	}
	if n := len(e.Data) + len(e.Body); n > d.MaxSize {
		faults = append(faults, webhook.Fault{
			Value: fmt.Sprintf("%d bytes", n), Problem: "the event is too large", TooLarge: true,
			Want: fmt.Sprintf("at most %d bytes of data", d.MaxSize),
		})
	}
	return faults
}

// content reads what the event says: data, to be put into envelopes, or a body that is sent as it stands.
func (o *object) content(e *Event, d *EventDefaults) {
	n := 0
	for _, name := range []string{"data", "body", "body_base64"} {
		if o.given(name) {
			n++
		}
	}
	if n != 1 && (n > 1 || !o.nulls["data"]) {
		o.fault("/data", "", fmt.Sprintf("%d of data, body and body_base64 are given", n),
			"exactly one: data to be put into envelopes, or a body that is sent as it stands")
		return
	}
	switch {
	case o.given("body"):
		e.Body = o.body()
	case o.given("body_base64"):
		text := o.text("body_base64", base64.StdEncoding.EncodedLen(d.MaxSize))
		body, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || strings.ContainsAny(text, "\r\n") {
			o.fault("/body_base64", "", "is not base64", "the standard alphabet with padding (RFC 4648 section 4)")
		}
		e.Body = body
	case o.given("data"):
		if e.Data = o.members["data"]; webhook.TooDeep(e.Data) {
			o.fault("/data", "", "arrays and objects are nested too deeply", fmt.Sprintf("at most %d levels", webhook.MaxDepth))
		}
	default:
		e.Data = []byte("null")
	}
}

// body is a string, byte for byte, or JSON as it was received.
func (o *object) body() []byte {
	raw := o.members["body"]
	switch raw.Kind() {
	case '"':
		b, _ := jsontext.AppendUnquote([]byte{}, raw) // the decoder has checked it
		return b
	case '{', '[':
		return raw
	}
	o.fault("/body", webhook.Shorten(string(raw)), "is a number or a boolean", "a string, sent as it is, or an object or array, sent as JSON")
	return nil
}

// instant returns a time member: RFC 3339, or milliseconds since the epoch, as Advocate's events have it.
func (o *object) instant(name string) time.Time {
	raw := o.members[name]
	if raw == nil {
		return time.Time{}
	}
	var t time.Time
	var ok bool
	switch raw.Kind() {
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // the decoder has checked it
		t, ok = ParseInstant(s)
	case '0':
		t, ok = ParseInstant(string(raw))
	}
	if !ok {
		o.fault("/"+name, webhook.Shorten(string(raw)), "is no instant", wantInstant)
	}
	return t
}

const wantInstant = "RFC 3339 as in 2026-03-01T12:00:00Z, or milliseconds since 1970 as in 1772366400000"

// ParseInstant reads RFC 3339, or milliseconds since the epoch.
func ParseInstant(s string) (time.Time, bool) {
	var ms int64
	if n, err := fmt.Sscanf(s, "%d", &ms); n == 1 && err == nil && fmt.Sprint(ms) == s && ms > 0 && ms < maxInstant {
		return time.UnixMilli(ms), true
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil && t.UnixMilli() > 0
}

// maxInstant is the end of the year 9999, the last that RFC 3339 can write.
const maxInstant = 253_402_300_799_999

// Fingerprint is a digest of what an event says: equal for events that mean the same, but for their ids.
func (e *Event) Fingerprint() [16]byte {
	h := sha256.New()
	put := func(s string) {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	for _, s := range []string{e.Type, fmt.Sprint(e.Live), e.ContentType, string(e.Data), string(e.Body)} {
		put(s)
	}
	if !e.Created.IsZero() {
		put(fmt.Sprint(e.Created.UnixMilli()))
	}
	for _, p := range e.Products {
		put(p)
	}
	if e.Subject != "" {
		put("\x00" + e.Subject) // no product is such
	}
	return [16]byte(h.Sum(nil)[:16])
}

// eventKey is the digest under which a tenant's event is known.
func eventKey(tenant, id string) [32]byte {
	b := binary.AppendUvarint(make([]byte, 0, 8+len(tenant)+len(id)), uint64(len(tenant)))
	return sha256.Sum256(append(append(b, tenant...), id...))
}

// KeyedID is the id of an event that has none of its own, but came under an idempotency key: the same for the same key
// and place among the events of a request.
func KeyedID(tenant, key string, item int) string {
	b := binary.AppendUvarint(nil, uint64(len(tenant)))
	b = binary.AppendVarint(append(b, tenant...), int64(item))
	sum := sha256.Sum256(append(b, key...))
	return "evt_" + record.ID(sum[:16]).String()
}

// names are what filters may speak of. A body that is JSON is data too.
func (e *Event) names() map[string]any {
	if e.parsed == nil {
		text := e.Data
		if text == nil && !webhook.TooDeep(e.Body) {
			text = e.Body
		}
		e.parsed = map[string]any{
			"type": e.Type, "id": e.ID, "tenant": e.Tenant, "live": e.Live, "created": e.Created.UnixMilli(),
			"products": e.Products, "data": parseData(text),
		}
	}
	return e.parsed
}

// parseData returns JSON as filters see it: whole numbers as such where 64 bits hold them, and nil for what is no JSON.
func parseData(text []byte) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return numbers(v)
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil && n >= math.MinInt && n <= math.MaxInt {
			return int(n)
		}
		f, _ := v.Float64() // too large a number is infinite
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}
