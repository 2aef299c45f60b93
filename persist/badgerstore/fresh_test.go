package badgerstore

import (
	"testing"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// accepted puts so many webhooks of one queue into what memory knows of a file, and returns their entries.
func accepted(f *fresh, ref persist.QueueRef, n int) []*freshEntry {
	deposits := make([]acceptedDeposit, n)
	for i := range deposits {
		id := record.ID{0: 1, 14: byte(i >> 8), 15: byte(i)}
		deposits[i] = acceptedDeposit{queue: ref, entry: record.Entry{Position: record.Position{Rank: int64(i), ID: id}}}
	}
	file := &journalFile{}
	f.add(file, 0, deposits, nil)
	return file.entries
}

func TestMemoryLetsGoOfWhatIsGoneThoughItsQueueGoesOn(t *testing.T) {
	for name, order := range map[string]func(i, n int) int{
		"as they came":  func(i, _ int) int { return i },
		"from the last": func(i, n int) int { return n - 1 - i },
		"here and there": func(i, n int) int {
			return i * 389 % n
		},
	} {
		var f fresh
		ref := persist.QueueRef{ID: record.QueueID{1}}
		const n = 1000
		es := accepted(&f, ref, n)
		for i := range n {
			q := f.queues[ref]
			if live := n - i; len(q.entries) > 2*live+fewGone+1 {
				t.Fatalf("%s: with %d live, %d entries are kept", name, live, len(q.entries))
			}
			f.remove(es[order(i, n) : order(i, n)+1])
			if got := len(f.window(ref, record.Position{}, n)); got != n-i-1 {
				t.Fatalf("%s: %d are read after %d of %d went", name, got, i+1, n)
			}
		}
		if len(f.queues)+len(f.byID) != 0 {
			t.Errorf("%s: %d queues and %d entries are left of nothing", name, len(f.queues), len(f.byID))
		}
	}
	var f fresh
	ref := persist.QueueRef{ID: record.QueueID{1}}
	f.remove(accepted(&f, ref, 10)[:9])
	if n := len(f.queues[ref].entries); n != 1 {
		t.Errorf("one is live of ten, %d are kept", n)
	}
}

func TestMemoryLetsGoOfAFileOfTheJournalThatIsRetired(t *testing.T) {
	j := &journal{dir: t.TempDir(), limit: journalSize}
	for range 2 {
		f, err := j.begin()
		if err != nil {
			t.Fatal(err)
		}
		f.entries = make([]*freshEntry, 10)
		j.files = append(j.files, f)
	}
	all, oldest := j.files, j.files[0]
	if err := j.retireOldest(); err != nil {
		t.Fatal(err)
	}
	if all[0] != nil || oldest.entries != nil || len(j.files) != 1 {
		t.Errorf("%d files are left, the oldest one is kept with %d entries", len(j.files), len(oldest.entries))
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
}
