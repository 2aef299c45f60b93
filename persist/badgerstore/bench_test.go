package badgerstore

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// BenchmarkEnqueue accepts webhooks of 700 bytes, one a call, from as many callers as a busy front door has.
func BenchmarkEnqueue(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	defer func() { _ = s.Close() }()
	payload := bytes.Repeat([]byte("p"), 700)
	b.SetParallelism(128)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Enqueue(b.Context(), []persist.Deposit{{Queue: goldenQueue, Payload: payload}}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkEnqueueGroup accepts webhooks of 700 bytes in groups of 10,000, as a batch or an event makes them, into a backlog that
// grows; an op is a webhook.
func BenchmarkEnqueueGroup(b *testing.B) {
	for _, keyed := range []bool{false, true} {
		b.Run(fmt.Sprintf("keyed=%v", keyed), func(b *testing.B) {
			s := open(b, b.TempDir(), Options{})
			defer func() { _ = s.Close() }()
			payload := bytes.Repeat([]byte("p"), 700)
			deposits := make([]persist.Deposit, 10_000)
			b.ReportAllocs()
			for n := 0; n < b.N; n += len(deposits) {
				for i := range deposits {
					deposits[i] = persist.Deposit{Queue: goldenQueue, Payload: payload}
					if at := n + i; keyed {
						deposits[i].Idempotency = &persist.Idempotency{Key: [32]byte{byte(at), byte(at >> 8), byte(at >> 16), byte(at >> 24)}}
					}
				}
				if _, err := s.Enqueue(b.Context(), deposits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSettle ends webhooks of 1 KiB in batches of 256, with and without history; an op is a webhook.
func BenchmarkSettle(b *testing.B) {
	for name, r := range map[string]Retention{
		"nothing kept": {}, "metadata": {Metadata: time.Hour}, "metadata and bodies": {Metadata: time.Hour, Body: time.Hour},
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir(), Options{Retention: r})
			defer func() { _ = s.Close() }()
			payload := bytes.Repeat([]byte("p"), 1024)
			deposits := make([]persist.Deposit, 256)
			for i := range deposits {
				deposits[i] = persist.Deposit{Queue: goldenQueue, Payload: payload}
			}
			b.ReportAllocs()
			for n := 0; n < b.N; n += len(deposits) {
				b.StopTimer()
				receipts, err := s.Enqueue(b.Context(), deposits)
				if err != nil {
					b.Fatal(err)
				}
				batch := persist.Batch{Settlements: make([]persist.Settlement, len(receipts))}
				for i, r := range receipts {
					batch.Settlements[i] = persist.Settlement{
						Queue: goldenRef, Was: record.Position{Rank: int64(r.ID.Time()), ID: r.ID}, ID: r.ID,
						Attempt: &record.Attempt{N: 1, At: 1, Status: 200, Outcome: "delivered"},
						Final:   benchFinal(r.ID), Payload: payload,
					}
				}
				b.StartTimer()
				if _, err := s.Settle(b.Context(), "me", batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchFinal(id record.ID) *record.Final {
	return &record.Final{
		ID: id, State: record.Delivered, Method: "POST", URL: "https://api.example.com/v1/contacts",
		Host: "api.example.com", Tenant: "default", Flow: "campaign", Policy: "braze",
		CreatedAt: time.Now().UnixMilli(), FinishedAt: time.Now().UnixMilli(), Tries: 1,
	}
}

// BenchmarkHistory compares two ways to keep 256 finished webhooks with bodies of 1 KiB: the segments that are used,
// and a Badger database for each period. An op is a webhook.
func BenchmarkHistory(b *testing.B) {
	const n = 256
	payload := bytes.Repeat([]byte("p"), 1024)
	batch := func(c *clock) (finals, bodies []historic) {
		for range n {
			id := c.nextID()
			f := benchFinal(id)
			finals = append(finals, finalRecord(f, f.Encode(), nil))
			bodies = append(bodies, historic{id: id, finished: f.FinishedAt, value: payload})
		}
		return finals, bodies
	}
	b.Run("segments", func(b *testing.B) {
		s := &Store{dir: b.TempDir(), opt: Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}}}
		if err := s.openHistory(); err != nil {
			b.Fatal(err)
		}
		c := new(clock)
		for i := 0; i < b.N; i += n {
			if err := s.appendHistory(batch(c)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("badger", func(b *testing.B) {
		var dbs [2]*badger.DB
		for i := range dbs {
			db, err := openEngine(fmt.Sprintf("%s/%d", b.TempDir(), i), &Options{Log: zerolog.Nop()})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			dbs[i] = db
		}
		c := new(clock)
		for i := 0; i < b.N; i += n {
			finals, bodies := batch(c)
			for i, records := range [][]historic{finals, bodies} {
				if err := dbs[i].Update(func(txn *badger.Txn) error {
					for _, h := range records {
						if err := txn.Set(idKey('h', h.id), h.value); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkWindow reads the next four entries of a queue in the live database, of many; an op is such a read.
func BenchmarkWindow(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, Options{})
	var deposits []persist.Deposit
	for range 8 {
		for host := range 2000 {
			q := goldenQueue
			q.Lane.Host = fmt.Sprintf("h%d.example", host)
			deposits = append(deposits, persist.Deposit{Queue: q, Payload: make([]byte, 100)})
		}
	}
	for len(deposits) > 0 {
		n := min(1000, len(deposits))
		if _, err := s.Enqueue(b.Context(), deposits[:n]); err != nil {
			b.Fatal(err)
		}
		deposits = deposits[n:]
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	s = open(b, dir, Options{}) // which moves them there from the journal
	defer func() { _ = s.Close() }()
	var refs []persist.QueueRef
	for part := range record.Parts {
		heads, err := s.Queues(b.Context(), record.Part(part), record.QueueID{}, 2000)
		if err != nil {
			b.Fatal(err)
		}
		for i := range heads {
			refs = append(refs, persist.QueueRef{Part: record.Part(part), ID: heads[i].ID})
		}
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		es, err := s.Window(b.Context(), refs[n%len(refs)], record.Position{}, 4)
		if err != nil || len(es) != 4 {
			b.Fatalf("%d entries, %v", len(es), err)
		}
	}
}
