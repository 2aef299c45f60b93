package badgerstore

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// accept stores one webhook of so many bytes.
func accept(t *testing.T, s *Store, q record.Queue, size int) record.ID {
	t.Helper()
	receipts, err := s.Enqueue(t.Context(), one(q, size))
	if err != nil {
		t.Fatal(err)
	}
	return receipts[0].ID
}

// reopen closes a store and opens it again.
func reopen(t *testing.T, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, s.dir, Options{})
}

// sizes returns the payload sizes of a queue's webhooks, in its order.
func sizes(t *testing.T, s *Store, q record.Queue) (sizes []int) {
	t.Helper()
	es, err := s.Window(t.Context(), refOf(q), record.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i := range es {
		sizes = append(sizes, int(es[i].Size))
	}
	return sizes
}

func journalFilesOf(t *testing.T, dir, suffix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "journal", "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What ended long ago is still in the file that is written over, and its frames are as long as the new ones.
func TestWhatIsLeftInAFileThatIsWrittenOverDoesNotComeBack(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.committer.journal.limit = 1000
	register(t, s, goldenQueue)
	for len(s.committer.journal.files) < 2 {
		settleOne(t, s, finalOf(goldenQueue, entryOf(t, s, accept(t, s, goldenQueue, 100))))
	}
	for len(s.committer.journal.files) > 1 {
		register(t, s, goldenQueue)
	}
	s = reopen(t, reopen(t, s)) // with nothing in the journal the second time
	accept(t, s, goldenQueue, 1)
	id := accept(t, s, goldenQueue, 100)
	if s.fresh.find(id) == nil {
		t.Fatal("it is not in the journal: that proves nothing")
	}
	s = reopen(t, s)
	if got := sizes(t, s, goldenQueue); !slices.Equal(got, []int{1, 100}) {
		t.Errorf("webhooks of %v bytes, want the two of 1 and 100", got)
	}
	if n := s.Sizes().SetAside; n != 0 {
		t.Errorf("%d are set aside", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestIdsOnlyGrowThoughTheClockIsSetBackAndTheStoreOpensTwice(t *testing.T) {
	dir := t.TempDir()
	var last record.ID
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, Options{})
		register(t, s, goldenQueue)
		time.Sleep(time.Hour)
		last = accept(t, s, goldenQueue, 1)
		if s.fresh.find(last) == nil {
			t.Fatal("it is not in the journal: that proves nothing")
		}
		if err := reopen(t, reopen(t, s)).Close(); err != nil {
			t.Fatal(err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // an hour earlier
		s := open(t, dir, Options{})
		if id := accept(t, s, goldenQueue, 2); id.Compare(last) <= 0 {
			t.Errorf("after %s came %s", last, id)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDamageAtTheEndOfTheJournalIsNotTakenForAWriteCutShort(t *testing.T) {
	for name, at := range map[string]int64{"the head": 10, "the first frame": int64(fileHeadSize) + 60} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			register(t, s, goldenQueue)
			accept(t, s, goldenQueue, 50)
			accept(t, s, goldenQueue, 60)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			path := journalFilesOf(t, s.dir, journalSuffix)[0]
			flip(t, path, at)
			was, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s = open(t, s.dir, Options{})
				if n := s.Sizes().SetAside; n != 1 {
					t.Errorf("%d are counted as set aside, want 1", n)
				}
				if kept, err := os.ReadFile(path + ".damaged"); err != nil || !slices.Equal(kept, was) {
					t.Errorf("the damaged file is not kept as it was: %v", err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestWhatIsWholeBehindDamageIsKept(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	register(t, s, goldenQueue)
	var ends []int64
	for _, size := range []int{50, 60, 70, 80} {
		accept(t, s, goldenQueue, size)
		ends = append(ends, s.committer.journal.active().size)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := journalFilesOf(t, s.dir, journalSuffix)[0]
	flip(t, path, ends[1]-1)
	s = open(t, s.dir, Options{})
	if got := sizes(t, s, goldenQueue); !slices.Equal(got, []int{50, 70, 80}) {
		t.Errorf("webhooks of %v bytes, want all but that of 60", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A payload may be made to look like a frame, and a crash may cut the write of the frame around it short.
func TestFrameWithinAPayloadIsNone(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	register(t, s, goldenQueue)
	accept(t, s, goldenQueue, 50)
	f := s.committer.journal.active()
	forged := record.Entry{Position: record.Position{Rank: 1, ID: record.ID{1}}}
	frame := appendPut(beginFrame(nil), goldenRef, &forged, nil)
	endFrame(frame, f.number, clockRow(1, record.ID{1}))
	if _, err := s.Enqueue(t.Context(), []persist.Deposit{{Queue: goldenQueue, Payload: append(frame, "x"...)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := journalFilesOf(t, s.dir, journalSuffix)[0]
	for _, err := range []error{os.Truncate(path, f.size-1), os.Remove(filepath.Join(s.dir, tallyName))} { // which was never told of it
		if err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, s.dir, Options{})
	if got := sizes(t, s, goldenQueue); !slices.Equal(got, []int{50}) {
		t.Errorf("webhooks of %v bytes, want the one of 50", got)
	}
	if n := s.Sizes().SetAside; n != 0 {
		t.Errorf("%d are set aside", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The process may end, or a later file fail, before what is whole of a damaged file is in the database.
func TestDamagedFileIsReadAgainUntilTheRestOfItIsSafe(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.committer.journal.limit = 700
	register(t, s, goldenQueue)
	for range 8 {
		accept(t, s, goldenQueue, 50)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	paths := journalFilesOf(t, s.dir, journalSuffix)
	if len(paths) != 2 {
		t.Fatalf("%d files, want two, of which nothing was moved yet", len(paths))
	}
	info, err := os.Stat(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	flip(t, paths[0], info.Size()-1)
	third := s.committer.journal.path(s.committer.journal.begun + 1)
	if err := os.Mkdir(third, 0o700); err != nil { // reading it fails
		t.Fatal(err)
	}
	if s, err := Open(s.dir, Options{MinFree: 1}); err == nil {
		t.Fatalf("opened; %v", s.Close())
	}
	if err := os.Remove(third); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.dir, Options{})
	if got := sizes(t, s, goldenQueue); len(got) != 7 {
		t.Errorf("%d webhooks, want 7 of the 8", len(got))
	}
	if damaged := journalFilesOf(t, s.dir, ".damaged"); len(damaged) != 1 || !strings.HasPrefix(damaged[0], paths[0]) {
		t.Errorf("set aside: %v, want the first file", damaged)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The file was not shortened for good when the power was cut.
func TestFrameThatFailedToBeWrittenIsNotFoundLater(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	register(t, s, goldenQueue)
	accept(t, s, goldenQueue, 50)
	f := s.committer.journal.active()
	accept(t, s, goldenQueue, 60)
	whole, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	e := s.fresh.find(entryOfSize(t, s, 60)) // the file as if that one had failed
	f.size, f.spoilt = e.offset-int64(frameLead+clockRowSize+putHead), true
	accept(t, s, goldenQueue, 70)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.dir, Options{})
	if got := sizes(t, s, goldenQueue); !slices.Equal(got, []int{50, 70}) {
		t.Errorf("webhooks of %v bytes, want those of 50 and 70", got)
	}
	if n := s.Sizes().SetAside; n != 0 {
		t.Errorf("%d are set aside", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func entryOfSize(t *testing.T, s *Store, size uint32) record.ID {
	t.Helper()
	es, err := s.Window(t.Context(), goldenRef, record.Position{}, 100)
	i := slices.IndexFunc(es, func(e record.Entry) bool { return e.Size == size })
	if err != nil || i < 0 {
		t.Fatalf("%+v, %v: want one of %d bytes", es, err, size)
	}
	return es[i].ID
}
