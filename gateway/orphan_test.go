package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

const orphaning = `
policies:
  signed: {extends: standard-webhooks, schemes: [http], retry: {fixed: 1m, attempts: 3}}
  unsigned: {extends: signed, sign: []}
  ours: {extends: advocate, retry: {fixed: 1m, attempts: 3}}
`

// TestADeliveryOfADeletedSubscriptionIsRepeatedOnlyWhereNothingOfItIsMissing: what its secrets sign is refused by whoever asks for
// it, and skipped by a replay; what needs none of them is sent.
func TestADeliveryOfADeletedSubscriptionIsRepeatedOnlyWhereNothingOfItIsMissing(t *testing.T) {
	for policy, repeated := range map[string]bool{"signed": false, "unsigned": true, "ours": true} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				text := orphaning
				w.file(&text)
				e := w.endpoint("in.example:80")
				w.start()
				var s shownSubscription
				w.call("POST", "/v1/subscriptions", fmt.Sprintf(`{"url":"http://in.example/","policy":%q}`, policy), 201, &s)
				var event shownEvent
				w.call("POST", "/v1/events", `{"type":"a","data":{}}`, 202, &event)
				time.Sleep(time.Second)
				w.call("DELETE", "/v1/subscriptions/"+s.ID, "", 204, nil)
				status, answer := w.ask("POST", "/v1/webhooks/"+event.Deliveries[0].Webhook+"/retry", "", nil)
				if !repeated && (status != 409 || !strings.Contains(string(answer), "subscription-gone")) || repeated && status != 202 {
					t.Errorf("a retry: %d %s", status, answer)
				}
				time.Sleep(time.Second)
				job := w.runJob("/v1/replays", fmt.Sprintf(`{"filter":{"event":%q,"state":"delivered"}}`, event.ID))
				if job.State != "done" || repeated == (job.Skipped > 0) {
					t.Errorf("a replay: %+v", job)
				}
				time.Sleep(time.Hour)
				want := 1
				if repeated {
					want = 4 // itself, the retry, and both again
				}
				if got := len(e.bodies()); got != want {
					t.Errorf("%d requests arrived, want %d", got, want)
				}
				w.close()
			})
		})
	}
}

// TestWhatWaitsForASubscriptionThatIsGoneEndsAndSaysSo has a delivery wait whose subscription is not known any more.
func TestWhatWaitsForASubscriptionThatIsGoneEndsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := orphaning
		w.file(&text)
		e := w.endpoint("in.example:80")
		var disk persist.Store
		w.wrap = func(s persist.Store) persist.Store { disk = s; return s }
		w.start()
		var cancelled, finished shownSubscription
		w.call("POST", "/v1/subscriptions", `{"url":"http://in.example/1","policy":"signed"}`, 201, &cancelled)
		w.call("POST", "/v1/subscriptions", `{"url":"http://in.example/2","policy":"signed"}`, 201, &finished)
		w.ask("POST", "/v1/hosts/in.example:80/pause", "", nil)
		var event shownEvent
		w.call("POST", "/v1/events", `{"type":"a","data":{}}`, 202, &event)
		w.call("DELETE", "/v1/subscriptions/"+cancelled.ID, "", 204, nil)
		time.Sleep(time.Second)
		// What is lost of the other one is its document alone.
		if err := disk.SaveDocuments(t.Context(), []persist.Document{{Kind: persist.SubscriptionDocument, Key: finished.ID}}); err != nil {
			t.Error(err)
		}
		w.shutdown()
		w.start()
		w.ask("POST", "/v1/hosts/in.example:80/resume", "", nil)
		time.Sleep(time.Minute)
		for _, d := range event.Deliveries {
			_, answer := w.ask("GET", "/v1/webhooks/"+d.Webhook, "", nil)
			var shown struct {
				State  record.State
				Reason string
			}
			if err := json.Unmarshal(answer, &shown); err != nil || shown.State != record.Cancelled ||
				!strings.Contains(shown.Reason, "its subscription was deleted") {
				t.Errorf("of %s: %s", d.Subscription, answer)
			}
		}
		if n := len(e.bodies()); n != 0 {
			t.Errorf("%d requests arrived", n)
		}
		w.close()
	})
}
