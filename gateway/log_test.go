package gateway_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// logged is what these tests look at of a row of the log.
type logged struct {
	ID, State, Host, Flow, Type, Replays string
	Status                               *int
	UpdatedAt                            time.Time `json:"updated_at"`
}

// logOf reads every page of the log under a query.
func (w *world) logOf(query string, limit string) []logged {
	w.t.Helper()
	var all []logged
	cursor := ""
	for range 1000 {
		path := "/v1/webhooks?limit=" + limit + "&" + query
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		status, text := w.ask("GET", path, "", nil)
		var page struct {
			Webhooks []logged
			Next     *string
		}
		if err := json.Unmarshal(text, &page); status != fasthttp.StatusOK || err != nil {
			w.t.Fatalf("%s: %d: %s (%v)", path, status, text, err)
		}
		all = append(all, page.Webhooks...)
		if page.Next == nil {
			return all
		}
		cursor = *page.Next
	}
	w.t.Fatal("the log never ends")
	return nil
}

// postOne posts one definition and returns its id.
func (w *world) postOne(definition string) string {
	w.t.Helper()
	status, text := w.ask("POST", "/v1/webhooks", "application/json", []byte(definition))
	var answer struct{ ID string }
	if err := json.Unmarshal(text, &answer); status != fasthttp.StatusAccepted || err != nil {
		w.t.Fatalf("%s: %d: %s (%v)", definition, status, text, err)
	}
	return answer.ID
}

// byPath is a destination that answers with the status that the path's last segment tells.
func byPath(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case "/500":
		ctx.SetStatusCode(500)
	case "/404":
		ctx.SetStatusCode(404)
	}
}

func TestLogIsFilteredAndPaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scripted("a.example:80", byPath)
		w.scripted("b.example:80", byPath)
		w.start()
		ids := map[string]string{}
		for _, one := range []struct{ name, definition string }{
			{"good", `{"url":"http://a.example/ok","type":"order","flow":"spring"}`},
			{"gone", `{"url":"http://a.example/404","type":"order"}`},
			{"other", `{"url":"http://b.example/ok"}`},
			{"failing", `{"url":"http://a.example/500","type":"order"}`},
			{"later", `{"url":"http://b.example/ok","type":"refund","send_at":"2000-01-02T00:00:00Z"}`},
		} {
			ids[one.name] = w.postOne(one.definition)
			time.Sleep(10 * time.Second)
		}
		for query, want := range map[string][]string{
			"":                           {"later", "failing", "other", "gone", "good"},
			"type=order":                 {"failing", "gone", "good"},
			"type=order&flow=spring":     {"good"},
			"host=a.example:80":          {"failing", "gone", "good"},
			"host=B.example:80":          {"later", "other"},
			"state=pending":              {"later", "failing"},
			"state=delivered":            {"other", "good"},
			"state=failed":               {"gone"},
			"state=sending":              nil,
			"status=404":                 {"gone"},
			"status=4xx":                 {"gone"},
			"status=5xx":                 {"failing"},
			"status=2xx&type=order":      {"good"},
			"since=2000-01-01T00:00:15Z": {"later", "failing", "other"},
			"until=2000-01-01T00:00:15Z": {"gone", "good"},
			"tenant=default&type=refund": {"later"},
			"tenant=eu":                  nil,
			"subscription=sub_1":         nil,
		} {
			for _, limit := range []string{"1", "2", "500"} {
				var got, wanted []string
				for _, r := range w.logOf(query, limit) {
					got = append(got, r.ID)
				}
				for _, name := range want {
					wanted = append(wanted, ids[name])
				}
				if !slices.Equal(got, wanted) {
					t.Errorf("%s, %s a page: %v, want %v of %v", query, limit, got, want, ids)
				}
			}
		}
		w.close()
	})
}
