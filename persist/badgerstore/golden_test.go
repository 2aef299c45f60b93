package badgerstore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

var update = flag.Bool("update", false, "write the golden file anew: only for a new kind of row")

var (
	goldenID    = record.ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	goldenQueue = record.Queue{Lane: record.Lane{Host: "api.example.com", Key: record.Digest{7}}, Tenant: "eu", Flow: "f"}
	goldenRef   = persist.QueueRef{Part: goldenQueue.Part(), ID: goldenQueue.ID()}
	goldenPlace = record.Position{Rank: 1_700_000_000_123, ID: goldenID}
)

// goldenRows are every key and every value that is laid out here, and the history's frame.
func goldenRows() []struct {
	name  string
	bytes []byte
} {
	state := persist.State{Lane: goldenQueue.Lane, Kind: persist.LaneState}
	frame := historic{id: goldenID, finished: 1_700_000_000_123, value: []byte("value")}
	row := rowOf(&record.Final{
		Host: "api.example.com", Flow: "spring", Type: "order", Subscription: "sub_1", Event: "evt_1", Tenant: "eu",
		State: record.Failed, FinishedAt: 1_700_000_000_123, Subject: record.Digest{1, 2, 3, 4, 5},
		Attempts: []record.Attempt{{N: 1, Status: 503}},
	}, nil)
	return []struct {
		name  string
		bytes []byte
	}{
		{"row of the log", row.append(nil, 77)},
		{"payload key", idKey(kindPayload, goldenID)},
		{"payload row", append(appendHome(nil, home{goldenRef, goldenPlace.Rank}), "payload"...)},
		{"entry key", entryKey(goldenRef, goldenPlace)},
		{"attempt key", attemptKey(goldenID, 3)},
		{"move key", attemptKey(goldenID, moveSlot)},
		{"move row", moved{5, goldenPlace.Rank}.append(nil)},
		{"queue key", appendQueueKey(nil, kindQueue, goldenRef)},
		{"queue row", queueRow(goldenQueue.Append(nil), goldenPlace)},
		{"state key", stateKey(&state)},
		{"idempotency row", remembered{goldenID, [16]byte{1, 15: 2}}.append(nil)},
		{"event key", eventKey([32]byte{1, 31: 2})},
		{"event row", (&storedEvent{
			EventView:   persist.EventView{Record: []byte("record"), Webhooks: []record.ID{goldenID, {9}}},
			fingerprint: [16]byte{1, 15: 2},
		}).row()},
		{"document key", documentKey(persist.SubscriptionDocument, "sub_01")},
		{"group key", idKey(kindGroup, goldenID)},
		{"group row", groupRow(goldenID)},
		{"clock row", clockRow(goldenPlace.Rank, goldenID)},
		{"history frame", frame.append(nil, nil)},
		{"journal head", fileHead{7, 0x1234, 1000}.append(nil)},
		{"journal frame", goldenFrame()},
		{"journal frame with a row", goldenRowFrame()},
	}
}

// groupRow is the marker that earlier releases put before the payloads of a large group.
func groupRow(last record.ID) []byte { return append([]byte{rowVersion}, last[:]...) }

// goldenFrame is a frame of the journal's file with the salt 7, with one record of each kind.
func goldenFrame() []byte {
	e := record.Entry{Position: goldenPlace, Due: 1, Expires: 2, Size: 7}
	b := appendGone(appendPut(beginFrame(nil), goldenRef, &e, []byte("payload")), record.ID{9})
	endFrame(b, 7, clockRow(goldenPlace.Rank, goldenID))
	return b
}

var goldenRow = badger.Entry{Key: []byte("key"), Value: []byte("value"), ExpiresAt: 1_700_000_000}

// goldenRowFrame is a frame of the same file that carries a row.
func goldenRowFrame() []byte {
	b := appendRow(beginFrame(nil), &goldenRow, nil)
	endFrame(b, 7, clockRow(goldenPlace.Rank, goldenID))
	return b
}

func TestStoredRowsNeverChange(t *testing.T) {
	var text strings.Builder
	for _, r := range goldenRows() {
		fmt.Fprintf(&text, "%s\t%s\n", r.name, hex.EncodeToString(r.bytes))
	}
	path := filepath.Join("testdata", "rows.golden")
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(golden) {
		t.Errorf("rows are written as\n%s\nan earlier release wrote\n%s", text.String(), golden)
	}
}

func TestStoredRowsAreReadBack(t *testing.T) {
	state, err := readStateKey(stateKey(&persist.State{Lane: goldenQueue.Lane, Kind: persist.LaneState}))
	if err != nil || state.Lane != goldenQueue.Lane || state.Kind != persist.LaneState {
		t.Errorf("state key: %+v, %v", state, err)
	}
	h, payload, err := readPayload(append(appendHome(nil, home{goldenRef, 7}), "payload"...))
	if err != nil || h != (home{goldenRef, 7}) || string(payload) != "payload" {
		t.Errorf("payload row: %+v, %q, %v", h, payload, err)
	}
	q, mark, err := readQueueRow(queueRow(goldenQueue.Append(nil), goldenPlace))
	if err != nil || q != goldenQueue || mark != goldenPlace {
		t.Errorf("queue row: %+v, %+v, %v", q, mark, err)
	}
	if at := readPosition(entryKey(goldenRef, goldenPlace)[queueKeySize:]); at != goldenPlace {
		t.Errorf("entry key: %+v", at)
	}
	want := historic{id: goldenID, finished: 5, value: []byte("value")}
	got, size, err := readFrame(bytes.NewReader(want.append(nil, nil)), 0, nil)
	if err != nil || got.id != want.id || got.finished != 5 || string(got.value) != "value" || size != int64(frameHead)+5 {
		t.Errorf("frame: %+v of %d bytes, %v", got, size, err)
	}
}

func TestFrameOfTheJournalIsReadBackByItsFileOnly(t *testing.T) {
	b := goldenFrame()
	if _, ok := frameBody(b, 8); ok {
		t.Error("a frame of the file with the salt 7 passes for one of another")
	}
	body, ok := frameBody(append(b, "what follows"...), 7)
	if !ok {
		t.Fatal("it is not whole")
	}
	var got []journaled
	ms, last, err := readFrameRecords(body, func(r journaled) { got = append(got, r) })
	if err != nil || ms != goldenPlace.Rank || last != goldenID || len(got) != 2 {
		t.Fatalf("clock %d, %s; records %+v; %v", ms, last, got, err)
	}
	put, gone := got[0], got[1]
	if put.queue != goldenRef || put.entry.Position != goldenPlace || put.entry.Expires != 2 || string(put.payload) != "payload" {
		t.Errorf("accepted: %+v", put)
	}
	if !gone.gone || gone.entry.ID != (record.ID{9}) {
		t.Errorf("gone: %+v", gone)
	}
}

func TestRowInTheJournalIsReadBack(t *testing.T) {
	body, ok := frameBody(goldenRowFrame(), 7)
	if !ok {
		t.Fatal("its frame is not whole")
	}
	var got journaled
	if _, _, err := readFrameRecords(body, func(r journaled) { got = r }); err != nil || got.row == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if !reflect.DeepEqual(*got.row, goldenRow) || got.sealed != nil {
		t.Errorf("%+v, want %+v as it is", got, goldenRow)
	}
	if _, _, err := readFrameRecords(body[:len(body)-1], func(journaled) {}); !errors.Is(err, record.ErrFormat) {
		t.Errorf("without its last byte: %v, want one of the format", err)
	}
}

// FuzzRows feeds every reader with any bytes: what is accepted is written back as it was.
func FuzzRows(f *testing.F) {
	for _, r := range goldenRows() {
		f.Add(r.bytes)
	}
	f.Add(goldenFrame()[frameLead:])
	f.Add(goldenRowFrame()[frameLead:])
	f.Fuzz(func(t *testing.T, b []byte) {
		check := func(what string, err error, again []byte) {
			if err == nil && !bytes.Equal(again, b) {
				t.Errorf("%s: %x is read and written as %x", what, b, again)
			}
		}
		if h, payload, err := readPayload(b); err == nil {
			check("payload", err, append(appendHome(nil, h), payload...))
		}
		m, err := readMoved(b)
		check("move", err, m.append(nil))
		r, err := readRemembered(b)
		check("idempotency", err, r.append(nil))
		last, err := readGroupRow(b)
		check("group", err, groupRow(last))
		ms, id, err := readClockRow(b)
		check("clock", err, clockRow(ms, id))
		if q, mark, err := readQueueRow(b); err == nil { // its lengths may be written longer than needed
			again, sameMark, err := readQueueRow(queueRow(q.Append(nil), mark))
			if err != nil || again != q || sameMark != mark {
				t.Errorf("queue: %+v is read back as %+v, %v", q, again, err)
			}
		}
		if st, err := readStateKey(b); err == nil && len(st.Lane.Host) > 0 {
			again, err := readStateKey(stateKey(&st))
			if err != nil || again.Lane != st.Lane || again.Kind != st.Kind {
				t.Errorf("state key: %+v is read back as %+v, %v", st, again, err)
			}
		}
		frame := beginFrame(nil)
		if ms, last, err := readFrameRecords(b, func(r journaled) {
			switch {
			case r.sealed != nil && r.row != nil:
				frame = append(append(frame, r.sealed...), r.row.Value...)
			case r.sealed != nil:
				frame = append(append(frame, r.sealed...), r.payload...)
			case r.row != nil:
				frame = appendRow(frame, r.row, nil)
			case r.gone:
				frame = appendGone(frame, r.entry.ID)
			default:
				frame = appendPut(frame, r.queue, &r.entry, r.payload)
			}
		}); err == nil {
			endFrame(frame, 7, clockRow(ms, last))
			check("journal", err, frame[frameLead:])
			if got, ok := frameBody(frame, 7); !ok || !bytes.Equal(got, b) {
				t.Errorf("journal: the frame of %x has %x", b, got)
			}
		}
		if h, ok := readFileHead(b, 7); ok {
			check("journal head", nil, append(h.append(nil), b[fileHeadSize:]...))
		}
		if h, size, err := readFrame(bytes.NewReader(b), 0, nil); err == nil && !bytes.Equal(h.append(nil, nil), b[:size]) {
			t.Errorf("frame: %x is written as %x", b[:size], h.append(nil, nil))
		}
	})
}
