package badgerstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func filesize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// logs returns the paths of a family's logs.
func logs(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"+logSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func openTestFamily(t *testing.T, dir string, retention time.Duration, maxSize int64) *family {
	t.Helper()
	f, err := openFamily(dir, retention, maxSize, true, nil, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The oracle is a map of what was written last under each id.
func TestHistoryFindsWhatWasWrittenLast(t *testing.T) {
	dir := t.TempDir()
	want := map[record.ID]string{}
	rng := rand.New(rand.NewPCG(3, 4))
	f := openTestFamily(t, dir, time.Hour, 1) // small segments
	now := time.Now().UnixMilli()
	for round := range 40 {
		var batch []historic
		for range 50 {
			id := record.ID{byte(rng.IntN(8)), byte(rng.IntN(256))}
			value := fmt.Sprintf("%d %d %s", round, rng.Int(), strings.Repeat("x", rng.IntN(100)))
			want[id] = value
			batch = append(batch, historic{id: id, finished: now, value: []byte(value)})
		}
		if err := f.append(batch); err != nil {
			t.Fatal(err)
		}
		if round%10 == 9 {
			if err := f.close(); err != nil {
				t.Fatal(err)
			}
			f = openTestFamily(t, dir, time.Hour, 1)
		}
	}
	if n := len(logs(t, dir)); n < 4 {
		t.Errorf("only %d segments were written: this test is to cover several", n)
	}
	for a := range 9 {
		for b := range 256 {
			id := record.ID{byte(a), byte(b)}
			got, err := f.find(id)
			if err != nil || string(got) != want[id] {
				t.Fatalf("find(%s) = %q, %v; want %q", id, got, err, want[id])
			}
		}
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
}

func TestTornEndOfHistoryIsLeftInPlaceAndTheRestIsRead(t *testing.T) {
	ids := []record.ID{{1}, {2}, {3}}
	for _, cut := range []int64{1, int64(frameHead), int64(frameHead) + 3} { // into value, at its start, into the head
		dir := t.TempDir()
		f := openTestFamily(t, dir, time.Hour, 0)
		for _, id := range ids {
			if err := f.append([]historic{{id: id, finished: time.Now().UnixMilli(), value: []byte("val")}}); err != nil {
				t.Fatal(err)
			}
		}
		path := f.active.path + logSuffix
		size := f.active.size
		if err := f.active.file.Close(); err != nil { // killed: nothing is closed
			t.Fatal(err)
		}
		if err := os.Truncate(path, size-cut); err != nil {
			t.Fatal(err)
		}
		f = openTestFamily(t, dir, time.Hour, 0)
		for i, id := range ids {
			if got, err := f.find(id); err != nil || (got != nil) != (i < 2) {
				t.Errorf("cut by %d: find(%s) = %q, %v", cut, id, got, err)
			}
		}
		if n, err := filesize(path); err != nil || n != size-cut {
			t.Errorf("cut by %d: the log has %d bytes now, %v; want %d", cut, n, err, size-cut)
		}
		if err := f.append([]historic{{id: ids[2], finished: time.Now().UnixMilli(), value: []byte("again")}}); err != nil {
			t.Fatal(err)
		}
		if got, err := f.find(ids[2]); err != nil || string(got) != "again" {
			t.Errorf("cut by %d: written again: %q, %v", cut, got, err)
		}
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedFrameIsAnErrorNotAWrongAnswer(t *testing.T) {
	dir := t.TempDir()
	f := openTestFamily(t, dir, time.Hour, 0)
	if err := f.append([]historic{{id: record.ID{1}, finished: time.Now().UnixMilli(), value: []byte("value")}}); err != nil {
		t.Fatal(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(logs(t, dir)[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{'V'}, int64(len(segmentMagic))+int64(frameHead)); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	if got, err := openTestFamily(t, dir, time.Hour, 0).find(record.ID{1}); err == nil {
		t.Errorf("a damaged frame is read as %q", got)
	}
}

func TestHistoryThatCannotBeWrittenKeepsTheWebhook(t *testing.T) {
	s := open(t, t.TempDir(), Options{Retention: Retention{Metadata: time.Hour}})
	receipts, err := s.Enqueue(t.Context(), append(one(goldenQueue, 1), one(goldenQueue, 1)...))
	if err != nil {
		t.Fatal(err)
	}
	end := func(id record.ID) error {
		_, err := s.Settle(t.Context(), "me", persist.Batch{Settlements: []persist.Settlement{{
			Queue: goldenRef, Was: record.Position{Rank: int64(id.Time()), ID: id}, ID: id,
			Final: &record.Final{State: record.Delivered, FinishedAt: time.Now().UnixMilli()},
		}}})
		return err
	}
	if err := end(receipts[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := s.meta.families[""].active.file.Close(); err != nil { // every write fails from here on
		t.Fatal(err)
	}
	id := receipts[1].ID
	if err := end(id); err == nil {
		t.Error("Settle: no error, and no history")
	}
	if v, err := s.Webhook(t.Context(), id); err != nil || v.Entry == nil {
		t.Errorf("Webhook: %+v, %v; want it live", v, err)
	}
	if err := end(id); err != nil {
		t.Errorf("again, in a new segment: %v", err)
	}
	for _, r := range receipts {
		if v, err := s.Webhook(t.Context(), r.ID); err != nil || v.Final == nil {
			t.Errorf("Webhook: %+v, %v; want it finished", v, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestHistoryFilesGoWhileTheStoreRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openTestFamily(t, t.TempDir(), 8*time.Hour, 0)
		for i := range 20 {
			if err := f.append([]historic{{id: record.ID{byte(i + 1)}, finished: time.Now().UnixMilli(), value: []byte("v")}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			expired, err := f.dropExpired(time.Now().UnixMilli())
			for _, seg := range expired {
				err = errors.Join(err, seg.remove())
			}
			if err != nil {
				t.Fatal(err)
			}
			for j := range i + 1 {
				age := time.Duration(i-j+1) * time.Hour
				got, err := f.find(record.ID{byte(j + 1)})
				if err != nil || (age < 8*time.Hour && got == nil) || (age > 9*time.Hour && got != nil) {
					t.Errorf("%v old, kept 8 h: %q, %v", age, got, err)
				}
			}
		}
		if n := len(logs(t, f.dir)); n > 10 {
			t.Errorf("%d files for 8 hours of history", n)
		}
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHistoryDoesNotGoForAClockThatIsNotBelievedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		s := open(t, t.TempDir(), Options{
			Retention: Retention{Metadata: time.Hour}, NoCompaction: true,
			Ahead: func() time.Duration { return time.Duration(ahead.Load()) },
		})
		final := benchFinal(s.committer.clock.nextID())
		h := finalRecord(final, final.Encode(), nil)
		h.finished, h.keep = time.Now().UnixMilli(), time.Hour
		if err := s.meta.append([]historic{h}); err != nil {
			t.Fatal(err)
		}
		kept := func() bool {
			time.Sleep(2 * time.Minute)
			v, err := s.meta.find(h.id)
			if err != nil {
				t.Fatal(err)
			}
			return v != nil
		}
		ahead.Store(int64(5 * time.Hour))
		time.Sleep(5 * time.Hour) // as if the clock had been set
		if !kept() {
			t.Error("what a leap alone made old is gone")
		}
		ahead.Store(0)
		if kept() {
			t.Error("it is there still, when the clock is believed")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRowsAreMadeAgainWhereTheyAreMissing(t *testing.T) {
	dir := t.TempDir()
	o := Options{Retention: Retention{Metadata: time.Hour}}
	s := open(t, dir, o)
	for range 3 {
		f := benchFinal(s.committer.clock.nextID())
		h := finalRecord(f, f.Encode(), nil)
		h.keep = time.Hour
		if err := s.meta.append([]historic{h}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(path string) error{
		"gone":  os.Remove,
		"short": func(path string) error { return os.Truncate(path, int64(len(rowMagic))+logRowSize) },
	} {
		rows, err := filepath.Glob(filepath.Join(dir, "history", "meta", "*"+rowSuffix))
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		if err := spoil(rows[0]); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, o)
		page, err := s.History(t.Context(), &persist.Filter{Flow: "campaign"}, "", 10)
		if err != nil || len(page.Finals) != 3 {
			t.Errorf("%s: %+v, %v; want 3 webhooks", name, page, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
