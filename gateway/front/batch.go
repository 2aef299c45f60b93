package front

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// batch is a request of several definitions. Those that are right are stored together, all or none; those that are
// wrong are told, each by its place.
type batch struct {
	by       *principal
	claim    func(*record.Webhook) *problem // of a flow
	defaults *webhook.Defaults
	reader   *webhook.Reader
	now      time.Time
	key      string // the request's idempotency key; empty: none
	trace    string // its traceparent; empty: none
	atomic   bool   // all are stored, or none
	wrong    int    // items that are
	items    []item
	deposits []persist.Deposit
}

// item is one definition of a batch: either wrong, or a deposit.
type item struct {
	wrong   *problem
	deposit int // its place in deposits; meaningful unless wrong
}

// acceptBatch reads a batch, stores it and answers for each of its items.
func (f *Front) acceptBatch(ctx *fasthttp.RequestCtx, by *principal, key string, read func(*batch) *problem) {
	b := &batch{
		by: by, claim: f.claim, defaults: by.definitions(&f.defaults), now: time.Now(), key: key, trace: traceOf(&ctx.Request.Header),
	}
	b.reader = f.readers.Get().(*webhook.Reader) //nolint:forcetypeassert // nothing else is put there
	defer f.keepReader(b.reader, len(ctx.Request.Body()))
	var p *problem
	if b.atomic, p = readAtomic(ctx); p == nil {
		p = read(b)
		by.charge(len(b.items))
	}
	if p == nil && len(b.items) == 0 {
		p = newProblem(400, "invalid-definition", "The batch is empty", "want at least one definition")
	}
	if p != nil {
		f.unclaim(b.deposits, nil)
		answer(ctx, p)
		return
	}
	var receipts []persist.Receipt
	if b.atomic && b.wrong > 0 {
		f.unclaim(b.deposits, nil)
		b.deposits = nil
	}
	if len(b.deposits) > 0 {
		b.deposits[0].Whole = b.atomic
		if receipts, p = f.enqueue(b.deposits); p != nil {
			answer(ctx, p)
			return
		}
	}
	b.answer(ctx, receipts)
	for i := range b.items {
		if wrong := b.items[i].wrong; wrong != nil {
			f.counts.refusal(wrong)
		}
	}
}

// readAtomic reads the parameter atomic.
func readAtomic(ctx *fasthttp.RequestCtx) (bool, *problem) {
	switch given := ctx.QueryArgs().Peek("atomic"); string(given) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, badRequest(fmt.Sprintf("atomic=%.100q", given), "atomic=true or atomic=false")
	}
}

const wantBatch = `{"webhooks":[…]} and nothing else`

// readArray reads {"webhooks":[…]}. A text that is not JSON is refused as a whole.
func (b *batch) readArray(text []byte) *problem {
	dec := b.reader.Begin(text)
	defer b.reader.End()
	for range 2 { // the brace and the name, which beginsBatch has seen
		if _, err := dec.ReadToken(); err != nil {
			return invalidProblem(webhook.Faults{webhook.SyntaxFault(err)})
		}
	}
	if open, err := dec.ReadToken(); err != nil {
		return invalidProblem(webhook.Faults{webhook.SyntaxFault(err)})
	} else if open.Kind() != '[' {
		return invalidProblem(webhook.Faults{{Path: "/webhooks", Problem: "is no array", Want: "an array of definitions"}})
	}
	for dec.PeekKind() != ']' {
		def, faults, err := b.reader.Read(dec, text, b.now, b.defaults)
		if err != nil {
			return invalidProblem(webhook.Faults{webhook.SyntaxFault(err)})
		}
		if p := b.add(def, faults); p != nil {
			return p
		}
	}
	for range 2 { // the array's end and the object's
		end, err := dec.ReadToken()
		if err != nil {
			return invalidProblem(webhook.Faults{webhook.SyntaxFault(err)})
		}
		if k := end.Kind(); k != ']' && k != '}' {
			return invalidProblem(webhook.Faults{{Problem: "something stands beside webhooks", Want: wantBatch}})
		}
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return invalidProblem(webhook.Faults{{Problem: "something follows the batch", Want: wantBatch}})
	}
	return nil
}

// readLines reads one definition a line (https://github.com/ndjson/ndjson-spec); empty lines are passed over.
func (b *batch) readLines(text []byte) *problem {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		def, faults := b.reader.Parse(line, b.now, b.defaults)
		if p := b.add(def, faults); p != nil {
			return p
		}
	}
	return nil
}

// add takes what one item turned out to be. A definition's own idempotency key stands for itself; the request's stands
// for the item's place in it.
func (b *batch) add(def *webhook.Definition, faults webhook.Faults) *problem {
	if len(b.items) == MaxItems {
		return newProblem(413, "too-many-items", "The batch has too many definitions", fmt.Sprintf("want at most %d", MaxItems))
	}
	var wrong *problem
	if faults != nil {
		wrong = invalidProblem(faults)
	} else {
		if wrong = b.by.refuse(&def.Webhook); wrong == nil {
			wrong = b.claim(&def.Webhook)
		}
	}
	if wrong != nil {
		b.items = append(b.items, item{wrong: wrong})
		b.wrong++
		return nil
	}
	def.Webhook.Trace = b.trace
	key, place := def.IdempotencyKey, webhook.Single
	if key == "" {
		key, place = b.key, len(b.items)
	}
	b.items = append(b.items, item{deposit: len(b.deposits)})
	b.deposits = append(b.deposits, depositOf(def, key, place))
	return nil
}

// answer tells what became of each item: 202 when all were accepted, 207 when some, 400 when none. Of an atomic batch that
// was refused it tells what is wrong with those that are: the others have nothing to tell.
func (b *batch) answer(ctx *fasthttp.RequestCtx, receipts []persist.Receipt) {
	accepted, replayed := 0, 0
	results := make([]byte, 0, 48*len(b.items))
	for i := range b.items {
		it := &b.items[i]
		var r persist.Receipt
		if it.wrong == nil && it.deposit < len(receipts) {
			r = receipts[it.deposit]
		}
		switch {
		case it.wrong == nil && r.Verdict == persist.Conflict:
			it.wrong = conflictProblem()
		case it.wrong == nil && (receipts == nil || r.Verdict == persist.Refused): // it shares the fate of others
			continue
		}
		if len(results) > 0 {
			results = append(results, ',')
		}
		results = strconv.AppendInt(append(results, `{"index":`...), int64(i), 10)
		if it.wrong != nil {
			results = append(append(append(results, `,"error":`...), encode(it.wrong)...), '}')
			continue
		}
		accepted++
		if r.Verdict == persist.Existing {
			replayed++
		}
		results = append(append(append(results, `,"id":"`...), r.ID.String()...), `"}`...)
	}
	status := fasthttp.StatusMultiStatus
	switch accepted {
	case len(b.items):
		status = fasthttp.StatusAccepted
	case 0:
		status = fasthttp.StatusBadRequest
	}
	if replayed == len(b.items) {
		markReplayed(ctx)
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBodyString(fmt.Sprintf(`{"accepted":%d,"rejected":%d,"results":[`, accepted, len(b.items)-accepted))
	ctx.Response.AppendBody(results)
	ctx.Response.AppendBodyString(`]}`)
}
