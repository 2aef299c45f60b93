package badgerstore

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// A run of webhooks that are accepted, tried again and ended in any order, over files so small that they are moved,
// spared and written over all the time. After every few steps the process is killed: what opens again has what was
// live then, where it stood, and nothing else.
func TestNothingIsLostOrComesBackBetweenJournalAndDatabase(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			queues := []record.Queue{goldenQueue, {Lane: goldenQueue.Lane, Flow: "b"}, {Lane: record.Lane{Host: "o"}, Ordering: record.Digest{1}}}
			at := place{dir: t.TempDir()}
			s := open(t, at.dir, Options{})
			s.committer.journal.limit = 2000
			type webhook struct {
				queue   record.Queue
				entry   record.Entry
				payload string
			}
			live := map[record.ID]webhook{}
			pick := func(n int) (ws []webhook) {
				ids := slices.SortedFunc(maps.Keys(live), record.ID.Compare)
				for _, i := range rnd.Perm(len(ids))[:min(n, len(ids))] {
					ws = append(ws, live[ids[i]])
				}
				return ws
			}
			files := 0
			for step := range 400 {
				switch rnd.IntN(5) {
				case 0, 1:
					ds := make([]persist.Deposit, 1+rnd.IntN(6))
					for i := range ds {
						ds[i] = persist.Deposit{Queue: queues[rnd.IntN(3)], Payload: fmt.Appendf(nil, "%d.%d %0*d", step, i, rnd.IntN(200), 0)}
					}
					receipts, err := s.Enqueue(t.Context(), ds)
					if err != nil {
						t.Fatal(err)
					}
					for i, r := range receipts {
						live[r.ID] = webhook{ds[i].Queue, entryOf(t, s, r.ID), string(ds[i].Payload)}
					}
				default:
					var batch []persist.Settlement
					for _, w := range pick(1 + rnd.IntN(4)) {
						if rnd.IntN(3) == 0 {
							batch = append(batch, retryOf(w.queue, w.entry, time.Duration(rnd.IntN(100))*time.Second))
						} else {
							batch = append(batch, finalOf(w.queue, w.entry))
							delete(live, w.entry.ID)
						}
					}
					settleOne(t, s, batch...)
					for i := range batch {
						if n := batch[i].Next; n != nil {
							w := live[n.ID]
							w.entry = *n
							live[n.ID] = w
						}
					}
				}
				files = max(files, len(s.committer.journal.files))
				if step%40 != 39 {
					continue
				}
				left := at.Crash(t).(place) //nolint:forcetypeassert // a place's own
				if step%80 == 79 {          // go on as after the kill
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					at = left
					s = open(t, at.dir, Options{})
					s.committer.journal.limit = 2000
				}
				found, other := 0, s
				if at != left {
					other = open(t, left.dir, Options{})
				}
				for _, q := range queues {
					es, err := other.Window(t.Context(), refOf(q), record.Position{}, 1<<20)
					if err != nil {
						t.Fatal(err)
					}
					found += len(es)
					for i := range es {
						w, ok := live[es[i].ID]
						p, err := other.Payload(t.Context(), es[i].ID)
						if !ok || es[i] != w.entry || string(p) != w.payload || err != nil {
							t.Errorf("step %d: %+v with %q, %v; want %+v with %q", step, es[i], p, err, w.entry, w.payload)
						}
					}
				}
				if found != len(live) {
					t.Errorf("step %d: %d webhooks are there, want %d", step, found, len(live))
				}
				if at != left {
					if err := other.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if files < 2 {
				t.Errorf("there were never more than %d files: nothing was moved for want of room", files)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBacklogMovesToTheDatabaseAndItsFilesGo(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.committer.journal.limit = 10_000
	register(t, s, goldenQueue)
	const n = 200
	for range n {
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 500)); err != nil {
			t.Fatal(err)
		}
	}
	if moved := rowsOf(t, s, kindEntry); moved < n*3/4 {
		t.Errorf("%d of %d entries are in the database", moved, n)
	}
	if es, err := s.Window(t.Context(), goldenRef, record.Position{}, 2*n); err != nil || len(es) != n {
		t.Errorf("%d of %d webhooks are there, %v", len(es), n, err)
	}
	names, err := os.ReadDir(filepath.Join(dir, "journal"))
	if err != nil || len(names) > 4 {
		t.Errorf("the journal has %d files, want the one written to, those being moved and a spare one (%v)", len(names), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// What waits to be moved is not paid by the few who come next: each carries a little, however much there is.
func TestAWebhookCarriesFewOfThoseThatAreMovedBehindIt(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.committer.journal.limit = 1 << 20 // each group fills a file
	register(t, s, goldenQueue)
	const n = 2000
	for range 3 {
		if _, err := s.Enqueue(t.Context(), slices.Repeat(one(goldenQueue, 1000), n)); err != nil {
			t.Fatal(err)
		}
	}
	moved := rowsOf(t, s, kindEntry)
	for range n/spillLeast + 1 {
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 10)); err != nil {
			t.Fatal(err)
		}
		before := moved
		if moved = rowsOf(t, s, kindEntry); moved-before > spillLeast {
			t.Fatalf("one webhook carried %d others to the database, want %d at most", moved-before, spillLeast)
		}
	}
	if moved < n {
		t.Errorf("%d of %d were moved", moved, n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsToBeMovedIsMovedWhileNobodyWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, err := Open(dir, Options{MinFree: 1, NoCompaction: true})
		if err != nil {
			t.Fatal(err)
		}
		register(t, s, goldenQueue)
		const n, groups = 1000, 20 // a file holds journalPuts
		for range groups {
			if _, err := s.Enqueue(t.Context(), slices.Repeat(one(goldenQueue, 1000), n)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // until the committer waits for somebody to write
		if left := journalFilesOf(t, dir, journalSuffix); len(left) > filesAtRest {
			t.Errorf("the journal still has %v", left)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir, Options{NoCompaction: true})
		if es, err := again.Window(t.Context(), goldenRef, record.Position{}, 2*n*groups); err != nil || len(es) != n*groups {
			t.Errorf("%d of %d webhooks are there, %v", len(es), n*groups, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestJournalThatIsBehindLeavesAcceptingToTheDatabase(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.committer.journal.limit = 1 << 20 // each group fills a file, and less than that is moved with the next
	register(t, s, goldenQueue)
	most := 0
	for range 40 {
		if _, err := s.Enqueue(t.Context(), slices.Repeat(one(goldenQueue, 300<<10), 6)); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(s.committer.journal.files))
	}
	if most <= journalFiles || most > journalFiles+2 { // one more may be begun to tell what is gone
		t.Errorf("there were %d files at most, want %d or %d", most, journalFiles+1, journalFiles+2)
	}
	if es, err := s.Window(t.Context(), goldenRef, record.Position{}, 1000); err != nil || len(es) != 240 {
		t.Errorf("%d webhooks, %v; want all 240", len(es), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRetriedWebhookIsNotBroughtBackWhereItStoodFirst(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	register(t, s, goldenQueue)
	receipts, err := s.Enqueue(t.Context(), one(goldenQueue, 10))
	if err != nil {
		t.Fatal(err)
	}
	settleOne(t, s, retryOf(goldenQueue, entryOf(t, s, receipts[0].ID), time.Minute))
	moved := entryOf(t, s, receipts[0].ID)
	left := place{dir: dir}.Crash(t).(place) //nolint:forcetypeassert // a place's own; the journal was not told yet
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, left.dir, Options{})
	es, err := again.Window(t.Context(), goldenRef, record.Position{}, 10)
	if err != nil || len(es) != 1 || es[0] != moved {
		t.Errorf("%+v, %v; want %+v alone", es, err, moved)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// One payload that cannot be read holds up neither what is settled with it nor what is moved after it.
func TestWebhookThatCannotBeReadInTheJournalHoldsUpNoOther(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	register(t, s, goldenQueue)
	retried, moved := accept(t, s, goldenQueue, 300), accept(t, s, goldenQueue, 300)
	f := s.committer.journal.active() // the committer waits for work
	lost := []record.Entry{entryOf(t, s, retried), entryOf(t, s, moved)}
	if err := os.Truncate(f.path, int64(fileHeadSize)); err != nil {
		t.Fatal(err)
	}
	s.committer.journal.limit = 300
	other := accept(t, s, goldenQueue, 60)
	settleOne(t, s, retryOf(goldenQueue, lost[0], time.Minute), retryOf(goldenQueue, entryOf(t, s, other), time.Minute))
	for range 5 {
		accept(t, s, goldenQueue, 300)
	}
	for _, id := range []record.ID{retried, moved} {
		if _, err := s.Payload(t.Context(), id); !errors.Is(err, persist.ErrNotFound) {
			t.Errorf("its payload: %v; want it to be known as lost", err)
		}
	}
	if p, err := s.Payload(t.Context(), other); err != nil || len(p) != 60 {
		t.Errorf("another's payload: %d bytes, %v", len(p), err)
	}
	if got := sizes(t, s, goldenQueue); len(got) != 8 {
		t.Errorf("%d webhooks, want all 8, the lost ones to be ended by whoever sends them", len(got))
	}
	if damaged := journalFilesOf(t, s.dir, damagedSuffix); len(damaged) != 1 || s.Sizes().SetAside != 1 {
		t.Errorf("%v are set aside, %d counted; want the one file", damaged, s.Sizes().SetAside)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWebhookThatEndsIsInHistoryThoughItsPayloadCannotBeRead(t *testing.T) {
	s := open(t, t.TempDir(), Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
	register(t, s, goldenQueue)
	e := entryOf(t, s, accept(t, s, goldenQueue, 300))
	if err := os.Truncate(s.committer.journal.active().path, int64(fileHeadSize)); err != nil {
		t.Fatal(err)
	}
	settleOne(t, s, finalOf(goldenQueue, e))
	if v, err := s.Webhook(t.Context(), e.ID); err != nil || v.Final == nil || v.Payload != nil {
		t.Errorf("Webhook: %+v, %v; want its end, without the payload", v, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
