package front_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestAtomicBatchIsStoredWholeOrNotAtAll(t *testing.T) {
	d := open(t)
	post := func(query, body string) *response { return d.ask("POST", "/v1/webhooks"+query, body) }
	batch := func(items ...string) string { return `{"webhooks":[` + strings.Join(items, ",") + `]}` }
	r := post("?atomic=true", batch(plain, `{"url":"nowhere"}`, plain, `{"flow":"x"}`))
	if r.StatusCode != 400 || d.store.count() != 0 || !strings.HasPrefix(r.body, `{"accepted":0,"rejected":4,"results":[{"index":1,"error":{`) ||
		!strings.Contains(r.body, `,{"index":3,"error":{`) || strings.Count(r.body, `"index"`) != 2 {
		t.Errorf("two of four are wrong: %d %s, %d stored", r.StatusCode, r.body, d.store.count())
	}
	if r := post("?atomic=true", batch(plain, plain)); r.StatusCode != 202 || d.store.count() != 2 || !d.store.deposits[0].Whole {
		t.Errorf("all right: %d %s, %d stored", r.StatusCode, r.body, d.store.count())
	}
	keyed := `{"url":"https://a.example/%s","idempotency_key":"k"}`
	post("", fmt.Sprintf(keyed, "1"))
	r = post("?atomic=true", batch(plain, fmt.Sprintf(keyed, "2"), plain))
	if r.StatusCode != 400 || d.store.count() != 3 || !strings.HasPrefix(r.body, `{"accepted":0,"rejected":3,"results":[{"index":1,"error":{`) ||
		!strings.Contains(r.body, "idempotency-conflict") || strings.Count(r.body, `"index"`) != 1 {
		t.Errorf("a key that is known for something else: %d %s, %d stored", r.StatusCode, r.body, d.store.count())
	}
	if r := post("?atomic=false", batch(plain, `{}`)); r.StatusCode != 207 || d.store.count() != 4 {
		t.Errorf("atomic=false: %d %s", r.StatusCode, r.body)
	}
	wantProblem(t, post("?atomic=1", batch(plain)), 400, "bad-request")
}
