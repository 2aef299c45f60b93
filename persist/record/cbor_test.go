package record

import (
	"bytes"
	"math"
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
