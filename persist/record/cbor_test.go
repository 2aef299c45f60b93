package record

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// The library is the oracle: a record is written as it writes it.
func TestRecordsAreWrittenAsTheLibraryWritesThem(t *testing.T) {
	library, err := cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	long := fullWebhook
	long.Metadata = map[string]string{"": "", "b": "1", "aa": "2", strings.Repeat("k", 300): strings.Repeat("v", 70_000)}
	long.Headers = make([]Header, 30)
	long.Body = bytes.Repeat([]byte{7}, 70_000)
	edges := fullAttempt
	edges.N, edges.At, edges.DurationMs, edges.Status = math.MaxInt32, math.MinInt64, -1, 24
	edges.NextRank, edges.NextDue, edges.Error = math.MaxUint32, math.MaxUint32+1, "\xff not UTF-8"
	many := fullFinal
	many.Attempts = []Attempt{fullAttempt, edges, {}}
	many.Priority, many.Tries, many.CreatedAt, many.FinishedAt = High, 255, 256, 65_536
	for _, r := range []interface{ Encode() []byte }{
		&Webhook{}, &fullWebhook, &long, &Attempt{}, &fullAttempt, &edges, &Final{}, &fullFinal, &many,
	} {
		want, err := library.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Encode(); got[0] != formatVersion || !bytes.Equal(got[1:], want) {
			t.Errorf("%+v\n is written as   %x\n, the library has %x", r, got[1:], want)
		}
	}
}

// The library is the oracle here, too: whole records, and records of which a byte is another or the end is missing.
func TestWebhooksAreReadAsTheLibraryReadsThem(t *testing.T) {
	many := fullWebhook
	many.Headers = make([]Header, 300)
	many.Body = bytes.Repeat([]byte{7}, 70_000)
	many.Metadata = map[string]string{"": "", "b": "\xff", strings.Repeat("k", 300): "v"}
	many.SendAt, many.Expires = math.MinInt64, math.MaxInt64
	check := func(b []byte) {
		want := new(Webhook)
		wantErr := decode("webhook", b, want)
		got, err := DecodeWebhook(b)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x: %v, the library says %v", b, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%x\n is read as         %+v\n, by the library as %+v", b, got, want)
		}
	}
	for _, w := range []*Webhook{{}, &fullWebhook, &many} {
		b := w.Encode()
		if !new(Webhook).read(b[1:]) {
			t.Errorf("%+v is left to the library", w)
		}
		check(b)
		for i := range min(len(b), 1000) {
			check(b[:i])
			for _, to := range []byte{0, 1, b[i] ^ 1, b[i] + 1, b[i] ^ 0x20, b[i] | 0x1f, 0x1b, 0x5b, 0x7f, 0x9b, 0xbb, 0xf4, 0xf6, 0xff} {
				changed := bytes.Clone(b[:min(len(b), 2000)])
				changed[i] = to
				check(changed)
			}
		}
		check(append(b, 0))
	}
}

func BenchmarkDecodeWebhook(b *testing.B) {
	w := fullWebhook
	w.Body = bytes.Repeat([]byte("b"), 700)
	stored := w.Encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeWebhook(stored); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	w := fullWebhook
	w.Body = bytes.Repeat([]byte("b"), 700)
	for name, r := range map[string]interface{ Encode() []byte }{"webhook": &w, "final": &fullFinal} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Encode()
			}
		})
	}
}
