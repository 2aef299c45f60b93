package record

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew: only for a new kind of record")

var (
	fullQueue = Queue{
		Lane:   Lane{Host: "api.example.com:8443", Key: Digest{1, 2, 3, 15: 0xff}},
		Tenant: "eu", Flow: "campaign-7", Priority: High, Ordering: Digest{9, 15: 8},
	}
	fullEntry = Entry{
		Position: Position{Rank: 1_700_000_000_123, ID: ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
		Due:      1_700_000_000_124, Expires: 1_700_000_000_125, Tries: 6, Throttled: 7, Trying: 8, Deferred: 9, Size: 10,
	}
	fullWebhook = Webhook{
		Method: "POST", URL: "https://api.example.com:8443/hook?q=1",
		Headers: []Header{{Name: "X-One", Value: "1"}, {Name: "x-one", Value: "2"}},
		Body:    []byte(`{"n":1}`), Host: "api.example.com:8443", LaneKey: Digest{1}, Tenant: "eu", Flow: "campaign-7",
		Priority: Low, Ordering: Digest{2}, Policy: "braze", Type: "order", Metadata: map[string]string{"b": "2", "a": "1"},
		SendAt: 1_700_000_000_123, Expires: 1_700_000_000_124, ExpireEarly: true, Variation: "v1",
	}
	fullAttempt = Attempt{
		N: 3, At: 1_700_000_000_123, DurationMs: 45, Status: 503, Outcome: "throttled", ErrorClass: "timeout",
		Error: "no response within 90 s", TimedOut: true, Headers: []Header{{Name: "Retry-After", Value: "7"}},
		Body: []byte{0xff, 0}, NextRank: 1_700_000_007_124, NextDue: 1_700_000_007_123,
	}
	fullFinal = Final{
		ID: fullEntry.ID, State: Delivered, Method: "PUT", URL: "https://api.example.com/", Host: "api.example.com",
		Tenant: "eu", Flow: "campaign-7", Priority: High, Policy: "braze", Type: "order",
		Metadata: map[string]string{"a": "1"}, CreatedAt: 1, FinishedAt: 2, Expires: 3, Tries: 4, Throttled: 5,
		Attempts: []Attempt{fullAttempt}, Reason: "cancelled",
	}
)

// What an earlier release knew nothing of.
var (
	webhookWithOrigin = func() Webhook {
		w := fullWebhook
		w.Subscription, w.Event, w.Subject, w.Replays, w.Credential = "sub_01", "evt_01", Digest{3}, ID{4}, "crm"
		w.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		return w
	}()
	finalWithOrigin = func() Final {
		f := fullFinal
		f.Subscription, f.Event, f.Subject, f.Replays = "sub_01", "evt_01", Digest{3}, ID{4}
		f.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		return f
	}()
)

var (
	fullSubscription = Subscription{
		ID: "sub_01", Tenant: "eu", URL: "https://hooks.example.com/in", Name: "orders", Types: []string{"order.*", "user.created"},
		Products: []string{"prd_1"}, Filter: "data.total > 100", Policy: "standard-webhooks",
		Headers: []Header{{Name: "X-One", Value: "1"}}, Metadata: map[string]string{"a": "1"},
		Secrets:   []Secret{{Value: "whsec_bmV3"}, {Value: "whsec_b2xk", Until: 1_700_000_000_125}},
		Disabled:  &Disabled{Since: 1_700_000_000_123, Reason: "1000 responses of 4xx", ByHand: true, Cancels: true},
		CreatedAt: 1, UpdatedAt: 2, Leaving: true,
	}
	leftSubscription = func() Subscription {
		s := fullSubscription
		s.CancelUpTo = ID{5}
		return s
	}()
	fullEvent = Event{
		ID: "evt_01", Type: "order.paid", Tenant: "eu", Live: true, Products: []string{"prd_1"}, CreatedAt: 1, AcceptedAt: 2,
		Size: 3, Matches: []string{"sub_01", "sub_02"}, Missed: []string{"sub_03"},
	}
)

// kinds are all records: their bytes in testdata, and what must come back from those bytes.
var kinds = []struct {
	file  string
	value any
	bytes []byte
	read  func([]byte) (any, error)
}{
	{"queue-full", fullQueue, fullQueue.Append(nil), readQueueWhole},
	{"queue-zero", Queue{}, new(Queue).Append(nil), readQueueWhole},
	{"entry-full", fullEntry, fullEntry.Append(nil), readEntryAt(fullEntry.Position)},
	{"entry-early", Entry{Expires: 1, Early: true}, (&Entry{Expires: 1, Early: true}).Append(nil), readEntryAt(Position{})},
	{"entry-zero", Entry{}, new(Entry).Append(nil), readEntryAt(Position{})},
	{"webhook-full", fullWebhook, fullWebhook.Encode(), reader(DecodeWebhook)},
	{"webhook-zero", Webhook{}, new(Webhook).Encode(), reader(DecodeWebhook)},
	{"webhook-origin", webhookWithOrigin, webhookWithOrigin.Encode(), reader(DecodeWebhook)},
	{"attempt-full", fullAttempt, fullAttempt.Encode(), reader(DecodeAttempt)},
	{"attempt-zero", Attempt{}, new(Attempt).Encode(), reader(DecodeAttempt)},
	{"final-full", fullFinal, fullFinal.Encode(), reader(DecodeFinal)},
	{"final-origin", finalWithOrigin, finalWithOrigin.Encode(), reader(DecodeFinal)},
	{"final-zero", Final{}, new(Final).Encode(), reader(DecodeFinal)},
	{"subscription-full", fullSubscription, fullSubscription.Encode(), reader(DecodeSubscription)},
	{"subscription-left", leftSubscription, leftSubscription.Encode(), reader(DecodeSubscription)},
	{"subscription-zero", Subscription{}, new(Subscription).Encode(), reader(DecodeSubscription)},
	{"event-full", fullEvent, fullEvent.Encode(), reader(DecodeEvent)},
	{"event-zero", Event{}, new(Event).Encode(), reader(DecodeEvent)},
}

func readQueueWhole(b []byte) (any, error) {
	q, rest, err := ReadQueue(b)
	if err == nil && len(rest) != 0 {
		err = ErrFormat
	}
	return q, err
}

func readEntryAt(p Position) func([]byte) (any, error) {
	return func(b []byte) (any, error) { return ReadEntry(p, b) }
}

func reader[T any](decode func([]byte) (*T, error)) func([]byte) (any, error) {
	return func(b []byte) (any, error) {
		v, err := decode(b)
		if err != nil {
			return nil, err
		}
		return *v, nil
	}
}

func TestStoredFormsNeverChange(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.file, func(t *testing.T) {
			path := filepath.Join("testdata", k.file+".hex")
			if *update {
				if err := os.WriteFile(path, []byte(wrapHex(k.bytes)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if !bytes.Equal(k.bytes, golden) {
				t.Errorf("written as\n%x, an earlier release wrote\n%x", k.bytes, golden)
			}
			got, err := k.read(golden)
			if err != nil || !reflect.DeepEqual(got, k.value) {
				t.Errorf("read as\n%+v, %v, want\n%+v", got, err, k.value)
			}
		})
	}
}

func TestDamagedRecordsAreRefusedNotMisread(t *testing.T) {
	for _, k := range kinds {
		for n := range len(k.bytes) {
			if v, err := k.read(k.bytes[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes read as %+v", k.file, n, len(k.bytes), v)
			}
		}
		newer := bytes.Clone(k.bytes)
		newer[0]++
		if _, err := k.read(newer); err == nil {
			t.Errorf("%s: a newer version was read", k.file)
		}
		if _, err := k.read(append(bytes.Clone(k.bytes), 0)); err == nil {
			t.Errorf("%s: a byte too many was read", k.file)
		}
	}
}

func wrapHex(b []byte) string {
	var s strings.Builder
	for line := range strings.SplitSeq(hex.Dump(b), "\n") {
		if len(line) > 60 {
			s.WriteString(strings.TrimSpace(line[10:60]) + "\n")
		}
	}
	return s.String()
}
