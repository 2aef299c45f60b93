package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// disk is a store's view of the queues: what is live and where it stands, and reads that may be slow.
type disk struct {
	entries map[record.QueueID]map[record.Position]record.Entry
}

func (d *disk) put(q record.QueueID, e record.Entry) {
	if d.entries[q] == nil {
		d.entries[q] = map[record.Position]record.Entry{}
	}
	d.entries[q][e.Position] = e
}

func (d *disk) window(q record.QueueID, after record.Position, limit int) []record.Entry {
	var es []record.Entry
	for p, e := range d.entries[q] {
		if after.Compare(p) < 0 {
			es = append(es, e)
		}
	}
	slices.SortFunc(es, func(a, b record.Entry) int { return a.Compare(b.Position) })
	return es[:min(limit, len(es))]
}

// TestEveryWebhookRunsToItsEndOnceHoweverReadsRetriesAndSettlementsInterleave drives the schedule with tiny windows
// against a model of the disk: commits, reads whose answers come late, attempts that end out of order and settlements
// that lag, some of them retries, while flows are held, resumed and cancelled. Nothing may be lost, nothing be in flight
// twice, nothing start that is not live on disk, held or cancelled, and a fresh webhook must not overtake the backlog of its
// queue.
func TestEveryWebhookRunsToItsEndOnceHoweverReadsRetriesAndSettlementsInterleave(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { interleave(t, seed) })
	}
}

func interleave(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	s := unlimited(schedule.Settings{
		Window: 8 + rnd.IntN(8), MaxInFlight: 1 + rnd.IntN(20), MaxEntries: 16 + rnd.IntN(200), MaxHandover: int64(rnd.IntN(20)),
	})
	d := disk{entries: map[record.QueueID]map[record.Position]record.Entry{}}
	queues := []record.Queue{queueOf("a.example", "f"), queueOf("a.example", "g"), queueOf("b.example", "f"), queueOf("b.example", "o")}
	queues[3].Ordering = record.Digest{9}

	now, next, target := epoch, 0, 300
	byID := map[record.QueueID]record.Queue{}
	var handOvers []*schedule.Fresh
	commit := func(q record.Queue, handOver bool) {
		due := now
		if rnd.IntN(10) == 0 {
			due = now.Add(time.Duration(rnd.IntN(5000)) * time.Millisecond)
		}
		f := fresh(q, next, due)
		if rnd.IntN(8) == 0 {
			f.Entry.Expires = now.Add(time.Duration(rnd.IntN(4000)) * time.Millisecond).UnixMilli()
		}
		next++
		byID[f.ID] = q
		d.put(f.ID, f.Entry)
		if handOver {
			handOvers = append(handOvers, f) // the disk has it before the schedule hears of it
		}
	}
	for range rnd.IntN(100) { // a backlog from an earlier run
		commit(queues[rnd.IntN(len(queues))], false)
	}
	for id, q := range byID {
		s.Found(id, &q, record.Position{})
	}

	type settle struct {
		start schedule.Start
		next  *record.Entry
	}
	type late struct {
		read    schedule.Read
		entries []record.Entry
	}
	var flying []schedule.Start
	var settling []settle
	var reads []late
	inFlight, done := map[record.ID]bool{}, map[record.ID]bool{}
	last := map[record.QueueID]int{} // ordered queues: the last one begun
	held, cancelled := map[schedule.FlowName]bool{}, map[schedule.FlowName]int{}
	flowOf := func(id record.QueueID) schedule.FlowName {
		return schedule.FlowName{Tenant: byID[id].Tenant, Flow: byID[id].Flow}
	}
	type want struct {
		queue record.QueueID
		entry record.Entry
		sight schedule.Sight
	}
	var wants []want // webhooks that were read and are to be taken out of their turn
	read := func() {
		q := queues[rnd.IntN(len(queues))].ID()
		es := d.window(q, record.Position{}, 1000)
		if len(es) == 0 {
			return
		}
		e := es[rnd.IntN(len(es))]
		if !slices.ContainsFunc(handOvers, func(f *schedule.Fresh) bool { return f.Entry.ID == e.ID }) {
			wants = append(wants, want{q, e, s.Look(q)})
		}
	}
	take := func() {
		i := rnd.IntN(len(wants))
		w := wants[i]
		wants = slices.Delete(wants, i, i+1)
		st, what := s.Take(now, w.queue, &w.entry, w.sight)
		if what != schedule.Taken {
			return
		}
		if inFlight[w.entry.ID] || done[w.entry.ID] {
			t.Fatalf("webhook %d is taken, and was in flight or done", numberOf(w.entry.ID))
		}
		if live, ok := d.entries[st.Queue][st.Entry.Position]; !ok || live != st.Entry {
			t.Fatalf("webhook %d is taken at a place where it is not on disk", numberOf(w.entry.ID))
		}
		inFlight[w.entry.ID] = true
		x := settle{start: st}
		if rnd.IntN(2) == 0 { // due now
			e := st.Entry
			e.Due = now.UnixMilli()
			if q := byID[st.Queue]; !q.Ordered() {
				e.Rank = e.Due
			}
			x.next = &e
		}
		settling = append(settling, x)
	}
	disturb := func() {
		switch rnd.IntN(4) {
		case 0, 1:
			read()
		case 2:
			if len(wants) > 0 {
				take()
			}
		}
		f := schedule.FlowName{Tenant: "default", Flow: []string{"f", "g", "o"}[rnd.IntN(3)]}
		switch rnd.IntN(4) {
		case 0:
			if next < target {
				s.HoldFlow(now, f)
				held[f] = true
			}
		case 1, 2:
			s.ResumeFlow(now, f)
			delete(held, f)
		case 3:
			upTo := next - 1 - rnd.IntN(20)
			s.CancelFlow(now, f, idOf(max(0, upTo)))
			if v, _ := s.Flow(f); v.Cancelling {
				cancelled[f] = max(cancelled[f], upTo)
			}
		}
	}
	for steps := 0; len(done) < next || next < target || len(handOvers) > 0; steps++ {
		if steps > 200_000 {
			t.Fatalf("stuck with %d of %d done, %d in flight, %d settling", len(done), next, len(flying), len(settling))
		}
		switch {
		case rnd.IntN(40) == 0:
			disturb()
		case next >= target && len(held) > 0:
			for f := range held {
				s.ResumeFlow(now, f)
			}
			clear(held)
		case next < target && rnd.IntN(3) == 0:
			commit(queues[rnd.IntN(len(queues))], true)
		case len(handOvers) > 0 && rnd.IntN(2) == 0:
			s.Committed(now, handOvers[0])
			handOvers = handOvers[1:]
		case len(flying) > 0 && rnd.IntN(2) == 0:
			i := rnd.IntN(len(flying))
			st := flying[i]
			flying = slices.Delete(flying, i, i+1)
			ended(s, st, now)
			x := settle{start: st}
			if rnd.IntN(4) == 0 {
				e := st.Entry
				e.Tries++
				e.Due = now.Add(time.Duration(rnd.IntN(3000)) * time.Millisecond).UnixMilli()
				if q := byID[st.Queue]; !q.Ordered() {
					e.Rank = e.Due
				}
				x.next = &e
			}
			settling = append(settling, x)
		case len(settling) > 0 && rnd.IntN(2) == 0:
			x := settling[0]
			settling = settling[1:]
			for slices.ContainsFunc(handOvers, func(f *schedule.Fresh) bool { return f.Entry.ID == x.start.Entry.ID }) {
				s.Committed(now, handOvers[0]) // the store hands over what it committed before it writes more of it
				handOvers = handOvers[1:]
			}
			delete(d.entries[x.start.Queue], x.start.Entry.Position)
			if x.next != nil {
				d.put(x.start.Queue, *x.next)
			} else {
				done[x.start.Entry.ID] = true
			}
			delete(inFlight, x.start.Entry.ID)
			s.Settled(now, x.start.Entry.ID, x.next)
		case len(reads) > 0 && rnd.IntN(3) == 0:
			i := rnd.IntN(len(reads))
			r := reads[i]
			reads = slices.Delete(reads, i, i+1)
			s.ReadDone(now, r.read.Queue, r.entries, rnd.IntN(10) == 0)
		default:
			now = now.Add(time.Duration(rnd.IntN(200)) * time.Millisecond)
		}
		p := s.Next(now)
		for _, r := range p.Read {
			reads = append(reads, late{r, d.window(r.Queue, r.After, r.Limit)})
		}
		for _, st := range p.Expired {
			if st.Entry.Expires == 0 || st.Entry.Expires > now.UnixMilli() || inFlight[st.Entry.ID] || done[st.Entry.ID] {
				t.Fatalf("webhook %d expired at %v: %+v", numberOf(st.Entry.ID), now, st.Entry)
			}
			inFlight[st.Entry.ID] = true
			settling = append(settling, settle{start: st})
		}
		for _, st := range p.Cancelled {
			if n := numberOf(st.Entry.ID); n > cancelled[flowOf(st.Queue)] || inFlight[st.Entry.ID] || done[st.Entry.ID] {
				t.Fatalf("webhook %d was cancelled (in flight %v, done %v)", n, inFlight[st.Entry.ID], done[st.Entry.ID])
			}
			if live, ok := d.entries[st.Queue][st.Entry.Position]; !ok || live != st.Entry {
				t.Fatalf("webhook %d was cancelled at a place where it is not on disk", numberOf(st.Entry.ID))
			}
			inFlight[st.Entry.ID] = true
			settling = append(settling, settle{start: st})
		}
		for f, upTo := range cancelled {
			if v, ok := s.Flow(f); !ok || !v.Cancelling {
				delete(cancelled, f)
				for id, entries := range d.entries {
					for _, e := range entries {
						waits := !slices.ContainsFunc(handOvers, func(h *schedule.Fresh) bool { return h.Entry.ID == e.ID })
						if waits && flowOf(id) == f && numberOf(e.ID) <= upTo {
							t.Fatalf("webhook %d is left of flow %s, cancelled up to %d", numberOf(e.ID), f.Flow, upTo)
						}
					}
				}
			}
		}
		for _, st := range p.Start {
			if f := flowOf(st.Queue); held[f] || cancelled[f] >= numberOf(st.Entry.ID) && cancelled[f] > 0 {
				t.Fatalf("webhook %d started; its flow is held (%v) or cancelled (to %d)", numberOf(st.Entry.ID), held[f], cancelled[f])
			}
			if st.Entry.Expires > 0 && st.Entry.Expires <= now.UnixMilli() {
				t.Fatalf("webhook %d started past its deadline", numberOf(st.Entry.ID))
			}
			if inFlight[st.Entry.ID] || done[st.Entry.ID] {
				t.Fatalf("webhook %d started twice", numberOf(st.Entry.ID))
			}
			if live, ok := d.entries[st.Queue][st.Entry.Position]; !ok || live != st.Entry {
				t.Fatalf("webhook %d started at a place where it is not on disk", numberOf(st.Entry.ID))
			}
			if q := byID[st.Queue]; q.Ordered() {
				if n := numberOf(st.Entry.ID); n < last[st.Queue] {
					t.Fatalf("ordered webhook %d started after %d", n, last[st.Queue])
				} else {
					last[st.Queue] = n
				}
			} else {
				for pos, e := range d.entries[st.Queue] {
					heard := !slices.ContainsFunc(handOvers, func(f *schedule.Fresh) bool { return f.Entry.ID == e.ID })
					if pos.Compare(st.Entry.Position) < 0 && e.Due <= now.UnixMilli()-1 && !inFlight[e.ID] && heard {
						t.Fatalf("webhook %d overtook %d of its queue", numberOf(st.Entry.ID), numberOf(e.ID))
					}
				}
			}
			inFlight[st.Entry.ID] = true
			flying = append(flying, st)
		}
	}
	if s.InFlight() != 0 || s.Unsettled() != 0 || s.InMemory() != 0 {
		t.Fatalf("left over: in flight %d, unsettled %d, waiting %d", s.InFlight(), s.Unsettled(), s.InMemory())
	}
}
