package front

import (
	"bytes"
	"mime"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
)

// accept answers POST /v1/webhooks.
func (f *Front) accept(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	form, p := readForm(&ctx.Request.Header)
	if p != nil {
		answer(ctx, p)
		return
	}
	key, p := idempotencyKey(&ctx.Request.Header)
	if p != nil {
		answer(ctx, p)
		return
	}
	body := ctx.PostBody()
	switch {
	case form == formLines:
		f.acceptBatch(ctx, by, key, func(b *batch) *problem { return b.readLines(body) })
	case beginsBatch(body):
		f.acceptBatch(ctx, by, key, func(b *batch) *problem { return b.readArray(body) })
	default:
		f.acceptOne(ctx, by, key, body)
	}
}

// acceptOne stores one definition.
func (f *Front) acceptOne(ctx *fasthttp.RequestCtx, by *principal, key string, body []byte) {
	if _, p := readAtomic(ctx); p != nil { // one is stored whole anyway; but who wrote it meant something
		answer(ctx, p)
		return
	}
	reader := f.readers.Get().(*webhook.Reader) //nolint:forcetypeassert // nothing else is put there
	def, faults := reader.Parse(body, time.Now(), by.definitions(&f.defaults))
	f.keepReader(reader, len(body))
	if faults == nil && key != "" && def.IdempotencyKey != "" && def.IdempotencyKey != key {
		faults = webhook.Faults{{
			Path: "/idempotency_key", Value: def.IdempotencyKey, Problem: "differs from the header Idempotency-Key",
			Want: "the same in both, or only one of them",
		}}
	}
	if faults != nil {
		answer(ctx, invalidProblem(faults))
		return
	}
	if p := by.refuse(&def.Webhook); p != nil {
		answer(ctx, p)
		return
	}
	if p := f.claim(&def.Webhook); p != nil {
		answer(ctx, p)
		return
	}
	def.Webhook.Trace = traceOf(&ctx.Request.Header)
	if def.IdempotencyKey == "" {
		def.IdempotencyKey = key
	}
	wait, long := f.announce(&ctx.Request.Header, &def.Webhook)
	if wait != nil {
		defer wait.Drop()
	}
	receipts, p := f.enqueue([]persist.Deposit{depositOf(def, def.IdempotencyKey, webhook.Single)})
	if p != nil {
		answer(ctx, p)
		return
	}
	if receipts[0].Verdict == persist.Conflict {
		answer(ctx, conflictProblem())
		return
	}
	if receipts[0].Verdict == persist.Existing {
		markReplayed(ctx)
	}
	if wait != nil && f.answerOutcome(ctx, receipts[0], wait, long) {
		return
	}
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	ctx.SetContentType("application/json")
	ctx.SetBodyString(`{"id":"` + receipts[0].ID.String() + `"}`)
}

// maxKeptText bounds what a reader may have read to be used again: it keeps the names of what it read.
const maxKeptText = 256 << 10

// keepReader has a reader used again that has read a text of so many bytes.
func (f *Front) keepReader(r *webhook.Reader, text int) {
	if text <= maxKeptText {
		f.readers.Put(r)
	}
}

// depositOf is what the store is given of a definition. It shares no memory with the request: the payload is an encoding of its own,
// and the body, which may be part of the request, is copied.
func depositOf(def *webhook.Definition, key string, item int) persist.Deposit {
	w := &def.Webhook
	w.Body = bytes.Clone(w.Body)
	j := persist.Deposit{Queue: w.Queue(), Due: w.SendAt, Expires: w.Expires, Payload: w.Encode(), Webhook: w}
	if key != "" {
		j.Idempotency = &persist.Idempotency{
			Key: webhook.IdempotencyKey(w.Tenant, key, item), Fingerprint: webhook.Fingerprint(w),
		}
	}
	return j
}

// enqueue stores all deposits or none; their flows were claimed. When it returns receipts, all of them survive a power cut.
func (f *Front) enqueue(deposits []persist.Deposit) ([]persist.Receipt, *problem) {
	receipts, err := f.set.Store.Enqueue(f.work, deposits)
	f.unclaim(deposits, receipts)
	if err == nil {
		f.counts.stored(receipts)
		return receipts, nil
	}
	if p := storeProblem(err); p != nil {
		return nil, p
	}
	f.set.Log.Error().Err(err).Int("webhooks", len(deposits)).Msg("storing webhooks failed; their clients were told")
	return nil, internalProblem()
}

// form is how a request's body holds definitions.
type form int

const (
	formJSON  form = iota
	formLines      // one definition a line
)

// readForm tells it from Content-Type. Whatever is neither lines nor certainly not JSON is read as JSON, for the sake
// of clients whose default says something else about a body they did not look at.
func readForm(h *fasthttp.RequestHeader) (form, *problem) {
	if coding := h.Peek("Content-Encoding"); len(coding) > 0 && !strings.EqualFold(string(coding), "identity") {
		return 0, encodingProblem(coding)
	}
	given := h.ContentType()
	if len(given) == 0 || string(given) == "application/json" {
		return formJSON, nil
	}
	media, _, err := mime.ParseMediaType(string(given))
	switch {
	case err != nil && media == "":
		media = strings.ToLower(strings.TrimSpace(string(given)))
	case media == "application/x-ndjson" || media == "application/ndjson" || media == "application/jsonl":
		return formLines, nil
	}
	for _, kind := range []string{"multipart/", "image/", "audio/", "video/", "application/xml", "text/xml", "application/cbor"} {
		if strings.HasPrefix(media, kind) {
			return 0, typeProblem(given, "application/json or application/x-ndjson")
		}
	}
	return formJSON, nil
}

// beginsBatch reports whether a text's first member is "webhooks".
func beginsBatch(text []byte) bool {
	const space = " \t\r\n"
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(text, space), []byte{'{'})
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, space), []byte(`"webhooks"`))
}
