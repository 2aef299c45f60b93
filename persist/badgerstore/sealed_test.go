package badgerstore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

func testKey(t testing.TB, b byte) seal.Key {
	t.Helper()
	k, err := seal.NewKey(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// contents are the bytes of all files below a directory, but for the ballast's.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "ballast" {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const marker = "a plaintext that is to be found nowhere"

// markedWebhook is a webhook with the marker wherever a caller can put it.
func markedWebhook(n int) *record.Webhook {
	return &record.Webhook{
		Method: "POST", URL: "https://api.example.com/" + marker, Host: goldenQueue.Lane.Host, Tenant: goldenQueue.Tenant,
		Flow: goldenQueue.Flow, Policy: marker, Type: marker, Metadata: map[string]string{"m": marker},
		Headers: []record.Header{{Name: "Authorization", Value: marker}}, Body: []byte(strings.Repeat(marker, 1+n%50)),
	}
}

// Webhooks in the journal, moved from it, tried, with a key, finished, of an event, a document, a saved state; while the
// store runs, and when it is closed.
func TestNothingOfWhatIsKeptIsToBeReadInAnEncryptedDirectory(t *testing.T) {
	for name, key := range map[string]seal.Key{"encrypted": testKey(t, 1), "as it is": {}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, Options{Key: key, Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
			s.committer.journal.limit = 1 << 16
			fill(t, s)
			look := func(when string) {
				t.Helper()
				for path, text := range contents(t, dir) {
					if has := strings.Contains(text, marker); has && !key.IsZero() {
						t.Errorf("%s, %s has the plaintext", when, path)
					}
				}
			}
			look("while it runs")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			look("closed")
			if key.IsZero() { // what is looked for would be found
				var where []string
				for path, text := range contents(t, dir) {
					if strings.Contains(text, marker) {
						where = append(where, strings.TrimPrefix(path, dir))
					}
				}
				for _, part := range []string{"/live/", "/journal/", "/history/meta/", "/history/body/"} {
					if !strings.Contains(strings.Join(where, " "), part) {
						t.Errorf("the plaintext is in %v only, not below %s: the test proves nothing of it", where, part)
					}
				}
			}
		})
	}
}

func fill(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	enqueue := func(j persist.Deposit) record.ID {
		t.Helper()
		receipts, err := s.Enqueue(ctx, []persist.Deposit{j})
		if err != nil {
			t.Fatal(err)
		}
		return receipts[0].ID
	}
	var ids []record.ID
	for n := range 200 {
		ids = append(ids, enqueue(persist.Deposit{Queue: goldenQueue, Payload: markedWebhook(n).Encode()}))
	}
	enqueue(persist.Deposit{
		Queue: goldenQueue, Payload: markedWebhook(1).Encode(), Idempotency: &persist.Idempotency{Key: [32]byte{1}},
	})
	es, err := s.Window(ctx, goldenRef, record.Position{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var batch persist.Batch
	for i := range es {
		one := persist.Settlement{
			Queue: goldenRef, Was: es[i].Position, ID: es[i].ID,
			Attempt: &record.Attempt{N: 1, Outcome: "retry", Error: marker, Body: []byte(marker)},
		}
		if i%2 == 0 {
			one.Final = &record.Final{
				ID: es[i].ID, State: record.Failed, URL: marker, Reason: marker, FinishedAt: time.Now().UnixMilli(),
			}
		} else {
			next := es[i]
			next.Due += 1000
			one.Next = &next
		}
		batch.Settlements = append(batch.Settlements, one)
	}
	batch.States = []persist.State{{Lane: goldenQueue.Lane, Kind: persist.LaneState, Data: []byte(marker)}}
	if _, err := s.Settle(ctx, "me", batch); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveDocuments(ctx, []persist.Document{
		{Kind: persist.SubscriptionDocument, Key: "sub", Data: []byte(marker)},
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []record.ID{ids[0], ids[1], ids[150], ids[199]} { // finished, tried again, and waiting
		v, err := s.Webhook(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if w, err := record.DecodeWebhook(v.Payload); err != nil || w.Type != marker {
			t.Errorf("%s is read back as %+v, %v", id, w, err)
		}
	}
}

func TestADirectoryIsOpenedWithItsOwnKeyOnly(t *testing.T) {
	for name, c := range map[string]struct {
		begun, given seal.Key
		want         error
	}{
		"encrypted, without a key":    {testKey(t, 1), seal.Key{}, errNoKey},
		"encrypted, with another key": {testKey(t, 1), testKey(t, 2), errOtherKey},
		"as it is, with a key":        {seal.Key{}, testKey(t, 1), errNeedlessKey},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, Options{Key: c.begun, Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
			fill(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			if s, err := Open(dir, Options{MinFree: 1, Key: c.given}); !errors.Is(err, c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v, %v: want it to name the directory and say %v", s, err, c.want)
			}
			if !maps.Equal(before, contents(t, dir)) {
				t.Error("what was refused was changed")
			}
			s = open(t, dir, Options{Key: c.begun})
			if es, err := s.Window(t.Context(), goldenRef, record.Position{}, 1000); err != nil || len(es) != 151 {
				t.Errorf("%d webhooks, %v; want the 151 that were not finished", len(es), err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAFormatThatTellsNoKeyIsNotTakenForAnother(t *testing.T) {
	for _, text := range []string{"sluice 2\n", "sluice 2\nencrypted\n", "sluice 2\nencrypted 5g\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, formatName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, Options{MinFree: 1, Key: testKey(t, 1)})
		if err == nil || !strings.Contains(err.Error(), "restore that file") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The checksum is right and the seal is not: somebody wrote to the file who does not have the key.
func TestAForgedWebhookInAnEncryptedJournalIsSetAside(t *testing.T) {
	key := testKey(t, 1)
	s := open(t, t.TempDir(), Options{Key: key})
	register(t, s, goldenQueue)
	good := accept(t, s, goldenQueue, 50)
	f := s.committer.journal.active()
	e := record.Entry{Position: record.Position{Rank: int64(good.Time()) + 1, ID: record.ID{9}}, Size: 7}
	frame := appendSealed(beginFrame(nil), goldenRef, &e, []byte("payload"), testKey(t, 2).Sealer("journal"))
	if _, err := f.appendFrame(frame, clockRow(int64(good.Time()), good), 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.dir, Options{Key: key})
	if got := sizes(t, s, goldenQueue); len(got) != 1 || s.Sizes().SetAside != 1 {
		t.Errorf("webhooks of %v bytes, %d files set aside; want the one that was accepted, and one file", got, s.Sizes().SetAside)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSealedRecordsOfEarlierReleasesOpen(t *testing.T) {
	key := testKey(t, 1)
	path := filepath.Join("testdata", "sealed.golden")
	if *update {
		e := record.Entry{Position: goldenPlace, Due: 1, Expires: 2, Size: 7}
		journal := appendSealed(beginFrame(nil), goldenRef, &e, []byte("payload"), key.Sealer("journal"))
		endFrame(journal, 7, clockRow(goldenPlace.Rank, goldenID))
		history := historic{id: goldenID, finished: 5, value: []byte("value")}
		if err := os.WriteFile(path, bytes.Join([][]byte{
			newFormat(key), hexLine(journal), hexLine(history.append(nil, key.Sealer("history"))), hexLine(sealedRow(key)),
		}, nil), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if err := checkKey(true, lines[1], key); err != nil || lines[0] != "sluice 2" {
		t.Errorf("FORMAT %q: %v", lines[:2], err)
	}
	body, ok := frameBody(unhex(t, lines[2]), 7)
	if !ok {
		t.Fatal("the journal's frame is not whole")
	}
	var put journaled
	if _, _, err := readFrameRecords(body, func(r journaled) { put = r }); err != nil {
		t.Fatal(err)
	}
	if payload, err := key.Sealer("journal").Open(put.payload, put.sealed); err != nil || string(payload) != "payload" {
		t.Errorf("journal: %q, %v", payload, err)
	}
	h, _, err := readFrame(bytes.NewReader(unhex(t, lines[3])), 0, key.Sealer("history"))
	if err != nil || string(h.value) != "value" || h.id != goldenID {
		t.Errorf("history: %+v, %v", h, err)
	}
	if body, ok = frameBody(unhex(t, lines[4]), 7); !ok {
		t.Fatal("the journal's frame with a row is not whole")
	}
	var row journaled
	if _, _, err := readFrameRecords(body, func(r journaled) { row = r }); err != nil || row.row == nil {
		t.Fatalf("%+v, %v", row, err)
	}
	value, err := key.Sealer("journal").Open(row.row.Value, row.sealed)
	if err != nil || string(value) != "value" || string(row.row.Key) != "key" || row.row.ExpiresAt != goldenRow.ExpiresAt {
		t.Errorf("a row of the journal: %+v, %q, %v", row.row, value, err)
	}
}

// sealedRow is goldenRowFrame with its row sealed.
func sealedRow(key seal.Key) []byte {
	b := appendRow(beginFrame(nil), &goldenRow, key.Sealer("journal"))
	endFrame(b, 7, clockRow(goldenPlace.Rank, goldenID))
	return b
}

func hexLine(b []byte) []byte { return append(hex.AppendEncode(nil, b), '\n') }

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
