package record

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// fuzzReader checks a reader on any bytes: it refuses them with ErrFormat, or what it read is written in a form that
// is read as the same.
func fuzzReader(f *testing.F, prefix string, read func([]byte) (any, error), write func(any) []byte) {
	for _, k := range kinds {
		if strings.HasPrefix(k.file, prefix) {
			f.Add(k.bytes)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := read(bytes.Clone(b))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("%v is not ErrFormat", err)
			}
			return
		}
		again, err := read(write(v))
		if err != nil {
			t.Fatalf("%+v cannot be read back: %v", v, err)
		}
		// Empty and absent are one: compare what would be stored.
		if !bytes.Equal(write(again), write(v)) {
			t.Fatalf("%+v is read back as %+v", v, again)
		}
	})
}

func FuzzReadQueue(f *testing.F) {
	fuzzReader(f, "queue", readQueueWhole, func(v any) []byte { q := v.(Queue); return q.Append(nil) })
}

func FuzzReadEntry(f *testing.F) {
	fuzzReader(f, "entry", readEntryAt(Position{}), func(v any) []byte { e := v.(Entry); return e.Append(nil) })
}

func FuzzDecodeWebhook(f *testing.F) {
	fuzzReader(f, "webhook", reader(DecodeWebhook), func(v any) []byte { w := v.(Webhook); return w.Encode() })
}

func FuzzDecodeAttempt(f *testing.F) {
	fuzzReader(f, "attempt", reader(DecodeAttempt), func(v any) []byte { a := v.(Attempt); return a.Encode() })
}

func FuzzDecodeFinal(f *testing.F) {
	fuzzReader(f, "final", reader(DecodeFinal), func(v any) []byte { w := v.(Final); return w.Encode() })
}

func FuzzDecodeSubscription(f *testing.F) {
	fuzzReader(f, "subscription", reader(DecodeSubscription), func(v any) []byte { s := v.(Subscription); return s.Encode() })
}

func FuzzDecodeEvent(f *testing.F) {
	fuzzReader(f, "event", reader(DecodeEvent), func(v any) []byte { e := v.(Event); return e.Encode() })
}

func FuzzParseID(f *testing.F) {
	f.Add("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	f.Add("01arz3ndektsv4rrffq69g5fav")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err == nil && !strings.EqualFold(id.String(), s) {
			t.Fatalf("%q is read as %s", s, id)
		}
		if err == nil {
			if again, err := ParseID(id.String()); err != nil || !reflect.DeepEqual(again, id) {
				t.Fatalf("%s is read back as %s, %v", id, again, err)
			}
		}
	})
}
