package badgerstore

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// BenchmarkRelay is the load a busy gateway puts on its store: callers that accept one webhook of 1 KiB each, again
// and again, while one goroutine ends, with history, whatever was committed since it last looked. An op is a webhook
// from acceptance to its end; cpu-ns/op is what the whole process spends on it.
func BenchmarkRelay(b *testing.B) {
	for _, callers := range []int{64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchRelay(b, callers, seal.Key{}) })
		b.Run(fmt.Sprintf("callers=%d/encrypted", callers), func(b *testing.B) { benchRelay(b, callers, testKey(b, 1)) })
	}
}

func benchRelay(b *testing.B, callers int, key seal.Key) {
	var (
		mu      sync.Mutex
		waiting []persist.Committed
		wake    = make(chan struct{}, 1)
		payload = bytes.Repeat([]byte("p"), 1024)
	)
	s := open(b, b.TempDir(), Options{
		Key:       key,
		Retention: Retention{Metadata: time.Hour, Body: time.Hour},
		Committed: func(cs []persist.Committed) {
			mu.Lock()
			waiting = append(waiting, cs...)
			mu.Unlock()
			select {
			case wake <- struct{}{}:
			default:
			}
		},
	})
	defer func() { _ = s.Close() }()
	b.ReportAllocs()
	b.ResetTimer()
	start, cpu := time.Now(), processTime(b)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := c; i < b.N; i += callers {
				if _, err := s.Enqueue(b.Context(), []persist.Deposit{{Queue: goldenQueue, Payload: payload}}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	for settled := 0; settled < b.N && !b.Failed(); {
		<-wake
		mu.Lock()
		batch := waiting
		waiting = nil
		mu.Unlock()
		if err := settleAll(b, s, batch); err != nil {
			b.Fatal(err)
		}
		settled += len(batch)
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "webhooks/s")
	b.ReportMetric(float64(processTime(b)-cpu)/float64(b.N), "cpu-ns/op")
}

func settleAll(b *testing.B, s *Store, cs []persist.Committed) error {
	batch := persist.Batch{Settlements: make([]persist.Settlement, len(cs))}
	for i := range cs {
		e := &cs[i].Entry
		batch.Settlements[i] = persist.Settlement{
			Queue: goldenRef, Was: e.Position, ID: e.ID, Payload: cs[i].Payload,
			Attempt: &record.Attempt{N: 1, At: 1, Status: 200, Outcome: "delivered"}, Final: benchFinal(e.ID),
		}
	}
	_, err := s.Settle(b.Context(), "me", batch)
	return err
}

// processTime returns the time that this process has spent on all processors.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
