package record

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

func TestEntryStaysWithin64Bytes(t *testing.T) {
	if n := len(fullEntry.Append(nil)); n != EntrySize || n > 64 {
		t.Errorf("an entry takes %d bytes, EntrySize says %d", n, EntrySize)
	}
}

// The partition leads every key on disk: a host that moved to another would lose its queues.
func TestPartOfNeverChanges(t *testing.T) {
	for host, want := range map[string]Part{
		"": 0x25, "api.example.com": 0xa4, "api.example.com:80": 0x62, "hooks.slack.com": 0xde,
	} {
		if got := PartOf(host); got != want {
			t.Errorf("PartOf(%q) = %#x, want %#x", host, got, want)
		}
	}
}

func TestPartsAreUsedEvenly(t *testing.T) {
	var n [Parts]int
	for i := range 25_600 {
		n[PartOf("host-"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+ID{byte(i), byte(i >> 8)}.String())]++
	}
	for p, got := range n {
		if got < 40 || got > 180 { // 100 each on average
			t.Errorf("partition %d has %d of 25600 hosts", p, got)
		}
	}
}

func TestQueueIDTellsEveryFieldApart(t *testing.T) {
	seen := map[QueueID]string{}
	for name, change := range map[string]func(*Queue){
		"as it is": func(*Queue) {},
		"host":     func(q *Queue) { q.Lane.Host = "api.example.com:8444" },
		"lane key": func(q *Queue) { q.Lane.Key[0]++ },
		"tenant":   func(q *Queue) { q.Tenant = "us" },
		"flow":     func(q *Queue) { q.Flow = "campaign-8" },
		"priority": func(q *Queue) { q.Priority = Low },
		"ordering": func(q *Queue) { q.Ordering[0]++ },
		// What is one field's end is not another's beginning.
		"tenant and flow shifted": func(q *Queue) { q.Tenant, q.Flow = "euc", "ampaign-7" },
	} {
		q := fullQueue
		change(&q)
		if other, dup := seen[q.ID()]; dup {
			t.Errorf("%s and %s give one queue", name, other)
		}
		seen[q.ID()] = name
	}
	if same := fullQueue; same.ID() != fullQueue.ID() {
		t.Error("equal queues have different ids")
	}
}

func TestPositionsSortByRankThenID(t *testing.T) {
	sorted := []Position{{0, ID{}}, {0, ID{1}}, {0, ID{1, 1}}, {1, ID{}}, {1, ID{255}}, {256, ID{}}}
	for i, p := range sorted {
		for j, o := range sorted {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := p.Compare(o); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", p, o, got, want)
			}
		}
	}
}

func TestPriorityWordsAreReadBack(t *testing.T) {
	for _, p := range []Priority{High, Normal, Low} {
		if got, ok := ParsePriority(p.String()); !ok || got != p {
			t.Errorf("%s is read as %v, %v", p, got, ok)
		}
	}
	if p, ok := ParsePriority(""); !ok || p != Normal {
		t.Errorf("no word: %v, %v; want normal", p, ok)
	}
	for _, word := range []string{"High", "urgent", "priority(7)", " low"} {
		if _, ok := ParsePriority(word); ok {
			t.Errorf("%q is taken for a priority", word)
		}
	}
}

func TestParseIDTakesOnlyULIDs(t *testing.T) {
	want := fullEntry.ID
	if id, err := ParseID(want.String()); err != nil || id != want {
		t.Errorf("ParseID(%s) = %v, %v", want, id, err)
	}
	for _, s := range []string{
		"", "0", want.String() + "0", want.String()[1:], strings.Repeat("U", 26), "8" + strings.Repeat("Z", 25),
	} {
		if _, err := ParseID(s); err == nil {
			t.Errorf("ParseID(%q): no error", s)
		}
	}
}

func TestNewerFieldsAreIgnored(t *testing.T) {
	fields := map[int]any{1: 2, 2: 3, 5: "retry", 99: "of a later release"}
	b := append([]byte{formatVersion}, must(cbor.Marshal(fields))...)
	a, err := DecodeAttempt(b)
	if want := (Attempt{N: 2, At: 3, Outcome: "retry"}); err != nil || !reflect.DeepEqual(*a, want) {
		t.Errorf("read as %+v, %v, want %+v", a, err, want)
	}
}

func TestErrorsOfReadersAreErrFormat(t *testing.T) {
	for _, k := range kinds {
		for _, b := range [][]byte{nil, {}, {0}, {formatVersion}, {formatVersion, 0xff}, {formatVersion + 1}} {
			if _, err := k.read(b); !errors.Is(err, ErrFormat) {
				t.Errorf("%s: %x: %v, want ErrFormat", k.file, b, err)
			}
		}
	}
}

func TestWebhookNamesItsQueue(t *testing.T) {
	want := Queue{
		Lane: Lane{Host: fullWebhook.Host, Key: fullWebhook.LaneKey}, Tenant: fullWebhook.Tenant, Flow: fullWebhook.Flow,
		Priority: fullWebhook.Priority, Ordering: fullWebhook.Ordering,
	}
	if got := fullWebhook.Queue(); got != want || !got.Ordered() {
		t.Errorf("Queue() = %+v, want %+v", got, want)
	}
	if q := new(Webhook).Queue(); q.Ordered() {
		t.Error("a webhook without an ordering key is in an ordered queue")
	}
}

func TestDecodedWebhookSharesNoMemory(t *testing.T) {
	b := fullWebhook.Encode()
	w, err := DecodeWebhook(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if !reflect.DeepEqual(*w, fullWebhook) {
		t.Errorf("changed with the bytes it was read from: %+v", *w)
	}
}
