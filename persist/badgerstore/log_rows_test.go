package badgerstore

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// namedFinal has a name in every field that rows are searched by.
func namedFinal(id record.ID) *record.Final {
	f := benchFinal(id)
	f.Type, f.Subscription, f.Event, f.Subject = "order", "sub_1", "evt_1", record.Digest{1, 2, 3, 4, 5}
	return f
}

// rowFiles are the row files of a store, by their contents.
func rowFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := contents(t, filepath.Join(dir, "history", "meta"))
	for path := range all {
		if !strings.HasSuffix(path, rowSuffix) {
			delete(all, path)
		}
	}
	if len(all) != 1 {
		t.Fatalf("%d files of rows, want one", len(all))
	}
	return all
}

// TestNamesInTheRowsOfAnEncryptedStoreCannotBeTried looks for the hashes that whoever lacks the key can make of each name.
func TestNamesInTheRowsOfAnEncryptedStoreCannotBeTried(t *testing.T) {
	dir, o := t.TempDir(), Options{Key: testKey(t, 1), Retention: Retention{Metadata: time.Hour}}
	s := open(t, dir, o)
	f := namedFinal(s.committer.clock.nextID())
	h := finalRecord(f, f.Encode(), s.meta.sealer)
	h.keep = time.Hour
	if err := s.meta.append([]historic{h}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	plain := rowOf(f, nil)
	find := func(text string) (found int) {
		for _, n := range append(plain.names[:], plain.subject) {
			if strings.Contains(text, string(binary.BigEndian.AppendUint32(nil, n))) {
				found++
			}
		}
		return found
	}
	for path, text := range rowFiles(t, dir) {
		if n := find(text); n > 0 {
			t.Errorf("%d names can be tried in the rows", n)
		}
		if find(rowMagic+string(plain.append(nil, 0))) != rowNames+1 {
			t.Error("they are not found in rows without a key either: the test proves nothing")
		}
		// As written before names were hashed with a key: they are made again.
		if err := os.WriteFile(path, append([]byte(rowMagic), plain.append(nil, int64(len(segmentMagic)))...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, o)
	for name, filter := range map[string]persist.Filter{
		"host": {Host: f.Host}, "flow": {Flow: f.Flow}, "type": {Type: f.Type}, "subscription": {Subscription: f.Subscription},
		"event": {Event: f.Event}, "tenant": {Tenants: []string{f.Tenant}}, "subject": {Subject: f.Subject},
	} {
		if page, err := s.History(t.Context(), &filter, "", 10); err != nil || len(page.Finals) != 1 {
			t.Errorf("by %s: %+v, %v; want the one webhook", name, page, err)
		}
	}
	for _, filter := range []persist.Filter{{Host: "other"}, {Tenants: []string{"other"}}, {Subject: record.Digest{1, 2, 3, 4, 6}}} {
		if page, err := s.History(t.Context(), &filter, "", 10); err != nil || len(page.Finals) != 0 {
			t.Errorf("%+v: %+v, %v; want none", filter, page, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, text := range rowFiles(t, dir) {
		if find(text) > 0 {
			t.Error("rows of before names were hashed with a key are kept")
		}
	}
}
