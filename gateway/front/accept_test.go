package front_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/persist"
)

const plain = `{"url":"https://a.example/hook","body":{"n":1}}`

func TestSingleWebhookIsStoredBeforeItsIDIsTold(t *testing.T) {
	d := open(t)
	r := d.post(`{"url":"https://a.example/hook","body":{"n": 1},"flow":"spring","priority":"low","ordering_key":"c7",` +
		`"send_at":"2030-01-01T00:00:00Z","expires_at":"2030-01-02T00:00:00Z"}`)
	wantProblem(t, r, 400, "invalid-definition") // send_at is more than 30 days ahead
	r = d.post(`{"url":"https://a.example/hook","body":{"n": 1},"flow":"spring","priority":"low","ordering_key":"c7","expires_at":"2999-01-02T00:00:00Z"}`)
	want(t, r, 202, `{"id":"`+id(0).String()+`"}`)
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %s", got)
	}
	w := d.store.stored(t)[0]
	if string(w.Body) != `{"n": 1}` || w.Flow != "spring" || w.Host != "a.example" {
		t.Errorf("stored %+v", w)
	}
	if j := d.store.deposits[0]; j.Queue != w.Queue() || j.Expires != w.Expires || j.Expires == 0 || j.Due != 0 || j.Idempotency != nil {
		t.Errorf("job %+v", j)
	}
}

func TestBrazesObjectIsAcceptedUnderAnyContentTypeThatMayBeJSON(t *testing.T) {
	const braze = `{"url":"https://a.example/","request_method":"POST","request_headers":{"X-A":"b"},"body":"{\"n\":1}","message_variation_id":"v"}`
	d := open(t)
	for _, fields := range [][]string{
		nil, {"Content-Type: application/json"}, {"Content-Type: application/json; charset=utf-8"}, {"Content-Type: application/vnd.api+json"},
		{"Content-Type: application/x-www-form-urlencoded"}, {"Content-Type: text/plain"}, {"Content-Type: ;"}, {"Content-Encoding: identity"},
	} {
		if r := d.post(braze, fields...); r.StatusCode != 202 {
			t.Errorf("%v: %d %s", fields, r.StatusCode, r.body)
		}
	}
}

func TestBodiesThatAreNotJSONAreRefusedByType(t *testing.T) {
	for _, field := range []string{
		"Content-Type: multipart/form-data; boundary=x", "Content-Type: image/png", "Content-Type: application/xml", "Content-Type: text/xml",
		"Content-Encoding: gzip",
	} {
		r := open(t).post(plain, field)
		wantProblem(t, r, 415, "unsupported-media-type")
		if name, value, _ := strings.Cut(field, ": "); !strings.Contains(r.body, name+` \"`+value+`\": want `) {
			t.Errorf("%s: %s; want it named", field, r.body)
		}
	}
}

func TestBatchAnswersForEachItemInOrder(t *testing.T) {
	d := open(t)
	r := d.post(`{ "webhooks" : [` + plain + `,{"url":"nowhere"},` + plain + `] }`)
	want(t, r, 207, `{"accepted":2,"rejected":1,"results":[{"index":0,"id":"`+id(0).String()+`"},`+
		`{"index":1,"error":{"type":"https://sluice-gateway.github.io/problems/invalid-definition","title":"The definition is not valid","status":400,`+
		`"detail":"/url: nowhere: is not an absolute URL: want an absolute URL such as https://api.example.com/hook",`+
		`"errors":[{"pointer":"/url","value":"nowhere","problem":"is not an absolute URL","want":"an absolute URL such as https://api.example.com/hook"}]}},`+
		`{"index":2,"id":"`+id(1).String()+`"}]}`)
	if n := len(d.store.stored(t)); n != 2 {
		t.Errorf("%d stored", n)
	}
	if r := d.post(`{"webhooks":[` + plain + `]}`); r.StatusCode != 202 || !strings.HasPrefix(r.body, `{"accepted":1,"rejected":0,`) {
		t.Errorf("all right: %d %s", r.StatusCode, r.body)
	}
	if r := d.post(`{"webhooks":[{},{"url":1}]}`); r.StatusCode != 400 || !strings.HasPrefix(r.body, `{"accepted":0,"rejected":2,`) {
		t.Errorf("all wrong: %d %s", r.StatusCode, r.body)
	}
}

func TestLinesAreABatch(t *testing.T) {
	for _, kind := range []string{"application/x-ndjson", "application/x-ndjson; charset=utf-8", "application/jsonl"} {
		d := open(t)
		r := d.post(plain+"\r\n\n{\"url\":\n"+plain, "Content-Type: "+kind)
		if r.StatusCode != 207 || !strings.HasPrefix(r.body, `{"accepted":2,"rejected":1,"results":[{"index":0,"id"`) ||
			!strings.Contains(r.body, `{"index":1,"error":{`) || !strings.Contains(r.body, `{"index":2,"id"`) {
			t.Errorf("%s: %d %s", kind, r.StatusCode, r.body)
		}
	}
}

func TestBatchThatIsNoBatchIsRefusedWhole(t *testing.T) {
	for _, body := range []string{
		`{"webhooks":[]}`, `{"webhooks":{}}`, `{"webhooks":[` + plain + `],"tenant":"eu"}`, `{"webhooks":[` + plain + `}`,
		`{"webhooks":[` + plain + `]}{}`, `{"webhooks":[` + plain + `,]}`, `{"webhooks"`, `{"webhooks":[` + plain + `` + plain + `]}`,
	} {
		d := open(t)
		wantProblem(t, d.post(body), 400, "invalid-definition")
		if n := len(d.store.stored(t)); n != 0 {
			t.Errorf("%s: %d stored", body, n)
		}
	}
	wantProblem(t, open(t).post(" \n", "Content-Type: application/x-ndjson"), 400, "invalid-definition")
}

func TestBatchSizeIsBounded(t *testing.T) {
	d := open(t)
	lines := strings.Repeat(`{"url":"http://a"}`+"\n", front.MaxItems)
	if r := d.post(lines, "Content-Type: application/x-ndjson"); r.StatusCode != 202 {
		t.Errorf("%d items: %d", front.MaxItems, r.StatusCode)
	}
	wantProblem(t, d.post(lines+plain, "Content-Type: application/x-ndjson"), 413, "too-many-items")
	wantProblem(t, d.post(`{"webhooks":[`+strings.Repeat(`{},`, front.MaxItems)+`{}]}`), 413, "too-many-items")
	if n := len(d.store.stored(t)); n != front.MaxItems {
		t.Errorf("%d stored", n)
	}
}

func TestTooLargeIs413(t *testing.T) {
	d := open(t)
	wantProblem(t, d.post(`{"url":"https://a.example/","body":"`+strings.Repeat("a", 768<<10)+`"}`), 413, "too-large")
	wantProblem(t, d.post(strings.Repeat(" ", front.MaxRequest+1)), 413, "too-large")
}

func TestIdempotencyKeyGivesTheFirstAnswerAgain(t *testing.T) {
	d := open(t)
	first := d.post(plain, `Idempotency-Key: "k1"`)
	want(t, first, 202, `{"id":"`+id(0).String()+`"}`)
	if first.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is a repetition")
	}
	for _, again := range []*response{
		d.post(plain, "Idempotency-Key: k1"), d.post(`{"url":"https://a.example/hook","body":{"n":1},"idempotency_key":"k1"}`),
	} {
		want(t, again, 202, first.body)
		if again.Header.Get("Idempotent-Replayed") != "true" {
			t.Error("the repetition does not say so")
		}
	}
	wantProblem(t, d.post(`{"url":"https://b.example/"}`, "Idempotency-Key: k1"), 422, "idempotency-conflict")
	want(t, d.post(`{"url":"https://b.example/","tenant":"eu"}`, "Idempotency-Key: k1"), 202, `{"id":"`+id(1).String()+`"}`)
	wantProblem(t, d.post(`{"url":"https://b.example/","idempotency_key":"k2"}`, "Idempotency-Key: k3"), 400, "invalid-definition")
	if n := len(d.store.stored(t)); n != 2 {
		t.Errorf("%d stored", n)
	}
}

func TestIdempotencyKeyOfABatchStandsForEachPlace(t *testing.T) {
	d := open(t)
	batch := `{"webhooks":[` + plain + `,{"url":"https://b.example/","idempotency_key":"own"},` + plain + `]}`
	first := d.post(batch, "Idempotency-Key: k1")
	again := d.post(batch, "Idempotency-Key: k1")
	want(t, again, 202, first.body)
	if again.Header.Get("Idempotent-Replayed") != "true" || len(d.store.stored(t)) != 3 {
		t.Errorf("replayed %q, %d stored", again.Header.Get("Idempotent-Replayed"), len(d.store.stored(t)))
	}
	r := d.post(`{"webhooks":[{"url":"https://c.example/"},{"url":"https://b.example/","idempotency_key":"own"},{"url":"https://c.example/"}]}`,
		"Idempotency-Key: k1")
	if r.StatusCode != 207 || len(d.store.stored(t)) != 3 || strings.Count(r.body, "idempotency-conflict") != 2 {
		t.Errorf("another batch under the key: %d %s", r.StatusCode, r.body)
	}
}

func TestBadIdempotencyKeysAreRefused(t *testing.T) {
	d := open(t)
	for _, fields := range [][]string{
		{`Idempotency-Key: `}, {`Idempotency-Key: ""`}, {`Idempotency-Key: "k`}, {"Idempotency-Key: " + strings.Repeat("k", 257)},
		{"Idempotency-Key: k\xc3\xa9"}, {"Idempotency-Key: a", "Idempotency-Key: b"},
	} {
		wantProblem(t, d.post(plain, fields...), 400, "bad-request")
	}
}

func TestWhatTheStoreCannotTakeIsToldWithWhenToComeAgain(t *testing.T) {
	for _, tt := range []struct {
		err              error
		status           int
		slug, retryAfter string
	}{
		{fmt.Errorf("group of 1: %w", persist.ErrFull), 507, "storage-full", "60"},
		{persist.ErrNoFiles, 507, "storage-full", "60"},
		{persist.ErrSilent, 503, "storage-unwritable", "5"},
		{persist.ErrBusy, 503, "busy", "1"},
		{fmt.Errorf("group of 1: %w", persist.ErrUnwritable), 503, "storage-unwritable", "5"},
		{persist.ErrClosed, 503, "shutting-down", "5"},
		{persist.ErrTooLarge, 413, "too-large", ""},
		{io.ErrShortWrite, 500, "internal", ""},
	} {
		d := open(t)
		d.store.err = tt.err
		for _, body := range []string{plain, `{"webhooks":[` + plain + `,{}]}`} {
			r := d.post(body)
			wantProblem(t, r, tt.status, tt.slug)
			if got := r.Header.Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("%v: Retry-After %q, want %q", tt.err, got, tt.retryAfter)
			}
			if strings.Contains(r.body, "short write") {
				t.Error("an inner error is told to the client")
			}
		}
	}
}

func TestWhatIsStoredSharesNoMemoryWithTheConnection(t *testing.T) {
	d := open(t)
	conn, err := d.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const n = 20
	go func() {
		for i := range n { // pipelined, so that each request overwrites the buffers of the one before
			body := fmt.Sprintf(`{"url":"https://a%02d.example/%02d","flow":"flow-%02d","headers":{"X-%02d":"%02d"},"body":"body-%02d"}`, i, i, i, i, i, i)
			fmt.Fprintf(conn, "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}()
	if got := len(readResponses(conn, n)); got != n {
		t.Fatalf("%d answers", got)
	}
	for i, w := range d.store.stored(t) {
		if want := fmt.Sprintf("%02d", i); w.URL != "https://a"+want+".example/"+want || w.Flow != "flow-"+want ||
			string(w.Body) != "body-"+want || w.Headers[0].Name != "X-"+want || d.store.deposits[i].Queue.Flow != "flow-"+want {
			t.Errorf("webhook %d is %+v", i, w)
		}
	}
}

func BenchmarkAcceptOneKilobyte(b *testing.B) {
	d := open(b)
	conn, err := d.ln.Dial()
	if err != nil {
		b.Fatal(err)
	}
	body := `{"url":"https://a.example/hook","headers":{"Authorization":"Bearer abc"},"body":"` + strings.Repeat("abcdefg ", 120) + `"}`
	request := fmt.Appendf(nil, "POST /v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
