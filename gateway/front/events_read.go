package front

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// events are those of one request.
type events struct {
	by       *principal
	defaults *subscription.EventDefaults
	key      string // the request's idempotency key; empty: none
	single   bool
	items    []eventItem
	events   []*subscription.Event
}

// eventItem is one event of a request: either wrong, or to be published.
type eventItem struct {
	wrong *problem
	event int // its place in events; meaningful unless wrong
}

// readEvents reads a request: one event, {"events":[…]}, one a line; or, where the query names a type, a body that is
// sent to whoever wants it as it stands.
func (f *Front) readEvents(ctx *fasthttp.RequestCtx, by *principal) (*events, *problem) {
	key, p := idempotencyKey(&ctx.Request.Header)
	if p != nil {
		return nil, p
	}
	b := &events{by: by, key: key, defaults: &subscription.EventDefaults{Tenant: by.Tenant(), MaxSize: f.maxEvent()}}
	// Whatever of it is kept must not share memory with the request.
	body := bytes.Clone(ctx.PostBody())
	if ctx.QueryArgs().Has("type") {
		return b, b.readAsItStands(ctx, body)
	}
	if ctx.QueryArgs().Len() > 0 {
		return nil, badRequest("the query has no type", "none, or ?type= and a body that is sent as it stands")
	}
	form, p := readForm(&ctx.Request.Header)
	switch {
	case p != nil:
		return nil, p
	case form == formLines:
		p = b.readLines(body)
	case beginsEvents(body):
		p = b.readArray(body)
	default:
		b.single = true
		e, faults := subscription.ParseEvent(body, b.defaults)
		p = b.add(e, faults)
	}
	if p == nil && len(b.items) == 0 {
		p = newProblem(400, "invalid-event", "There is no event", "want at least one")
	}
	return b, p
}

// maxEvent bounds what an event says, in bytes, so that its deliveries have room for what is put around it.
func (f *Front) maxEvent() int {
	if f.set.MaxWebhook > 0 {
		return f.set.MaxWebhook
	}
	return webhook.DefaultMaxSize
}

// readAsItStands takes a request's body for an event's, and what there is to know of it from the query.
func (b *events) readAsItStands(ctx *fasthttp.RequestCtx, body []byte) *problem {
	b.single = true
	e := &subscription.Event{
		Tenant: b.defaults.Tenant, Live: true, Body: body, ContentType: givenType(ctx),
	}
	if e.Body == nil {
		e.Body = []byte{}
	}
	if coding := ctx.Request.Header.Peek("Content-Encoding"); len(coding) > 0 {
		return encodingProblem(coding)
	}
	var p *problem
	for name, raw := range ctx.QueryArgs().All() {
		value := string(raw)
		var ok bool
		switch string(name) {
		case "type":
			e.Type = value
		case "id":
			e.ID = value
		case "tenant":
			e.Tenant = value
		case "subject":
			if e.Subject = value; len(value) > subscription.MaxName {
				p = badRequest(fmt.Sprintf("a subject of %d bytes", len(value)), fmt.Sprintf("at most %d", subscription.MaxName))
			}
		case "product":
			e.Products = append(e.Products, value)
		case "live":
			var err error
			if e.Live, err = strconv.ParseBool(value); err != nil {
				p = badRequest(fmt.Sprintf("live=%.100q", value), "live=true or live=false")
			}
		case "created":
			if e.Created, ok = subscription.ParseInstant(value); !ok {
				p = badRequest(fmt.Sprintf("created=%.100q", value), "RFC 3339, or milliseconds since 1970")
			}
		}
	}
	if p != nil {
		return p
	}
	return b.add(e, e.Check(b.defaults))
}

// givenType is a body's type; empty where it is the one that curl and others give to whatever they send, and the body
// tells that it is another.
func givenType(ctx *fasthttp.RequestCtx) string {
	given := string(ctx.Request.Header.ContentType())
	if given == "application/x-www-form-urlencoded" && jsontext.Value(ctx.PostBody()).IsValid(jsontext.AllowDuplicateNames(true)) {
		return ""
	}
	return given
}

const wantEvents = `{"events":[…]} and nothing else`

// readArray reads {"events":[…]}. A text that is not JSON is refused as a whole.
func (b *events) readArray(text []byte) *problem {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	syntax := func(err error) *problem { return invalidProblem(webhook.Faults{webhook.SyntaxFault(err)}) }
	for range 2 { // the brace and the name, which beginsEvents has seen
		if _, err := dec.ReadToken(); err != nil {
			return syntax(err)
		}
	}
	if open, err := dec.ReadToken(); err != nil {
		return syntax(err)
	} else if open.Kind() != '[' {
		return invalidProblem(webhook.Faults{{Path: "/events", Problem: "is no array", Want: "an array of events"}})
	}
	for dec.PeekKind() != ']' {
		e, faults, err := subscription.ReadEvent(dec, b.defaults)
		if err != nil {
			return syntax(err)
		}
		if p := b.add(e, faults); p != nil {
			return p
		}
	}
	for range 2 { // the array's end and the object's
		end, err := dec.ReadToken()
		if err != nil {
			return syntax(err)
		}
		if k := end.Kind(); k != ']' && k != '}' {
			return invalidProblem(webhook.Faults{{Problem: "something stands beside events", Want: wantEvents}})
		}
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return invalidProblem(webhook.Faults{{Problem: "something follows the events", Want: wantEvents}})
	}
	return nil
}

// readLines reads one event a line; empty lines are passed over.
func (b *events) readLines(text []byte) *problem {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		e, faults := subscription.ParseEvent(line, b.defaults)
		if p := b.add(e, faults); p != nil {
			return p
		}
	}
	return nil
}

// add takes what one item turned out to be. The request's idempotency key gives an event without an id one of its own,
// by its place in the request.
func (b *events) add(e *subscription.Event, faults webhook.Faults) *problem {
	if len(b.items) == subscription.MaxPublish {
		return newProblem(413, "too-many-items", "There are too many events", fmt.Sprintf("want at most %d", subscription.MaxPublish))
	}
	if faults != nil {
		wrong := invalidProblem(faults)
		if wrong.Status == 400 {
			wrong.Type, wrong.Title = ProblemBase+"invalid-event", "The event is not valid"
		}
		b.items = append(b.items, eventItem{wrong: wrong})
		return nil
	}
	if !b.by.SeesTenant(e.Tenant) {
		b.items = append(b.items, eventItem{wrong: b.by.tenantProblem(e.Tenant)})
		return nil
	}
	if e.ID == "" && b.key != "" {
		e.ID = subscription.KeyedID(e.Tenant, b.key, len(b.items))
	}
	b.items = append(b.items, eventItem{event: len(b.events)})
	b.events = append(b.events, e)
	return nil
}

// pageSize reads how many are asked for at a time.
func pageSize(ctx *fasthttp.RequestCtx) (int, *problem) {
	text := string(ctx.QueryArgs().Peek("limit"))
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, badRequest(fmt.Sprintf("limit=%.100q", text), fmt.Sprintf("limit=1 to %d", maxPage))
	}
	return n, nil
}
