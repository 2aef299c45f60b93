package operate

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

const (
	// countedQueues and countedWebhooks bound what is counted for one question: a million webhooks take about a second. What is
	// beyond is told as more.
	countedQueues, countedWebhooks = 256, 2_000_000
	// A count stands for countStands times as long as it took, and leastStands at the least, so that whoever asks again and again
	// takes a twentieth of a core.
	countStands = 20
	leastStands = time.Second
	// keptCounts is how many answers are kept.
	keptCounts = 256
)

// counter counts what waits on disk, one question at a time, when somebody asks: nothing else needs it.
type counter struct {
	store persist.Store
	mu    sync.Mutex
	kept  map[string]keptCount
}

type keptCount struct {
	until  time.Time
	counts schedule.Counts
}

func newCounter(s persist.Store) *counter { return &counter{store: s, kept: map[string]keptCount{}} }

// count returns how many wait in queues of which the disk holds more; of names what they are of. What cannot be counted is left out.
func (c *counter) count(ctx context.Context, of string, queues []schedule.Behind) schedule.Counts {
	if len(queues) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	began := time.Now()
	if k, ok := c.kept[of]; ok && began.Before(k.until) {
		return k.counts
	}
	counts, left := schedule.Counts{}, countedWebhooks
	for _, q := range queues {
		n, err := c.store.Count(ctx, persist.QueueRef{Part: record.PartOf(q.Host), ID: q.Queue}, q.After, left)
		if err != nil {
			return nil // who asks is told what memory knows
		}
		if left -= n; left <= 0 {
			break
		}
		counts[q.Queue] = q.InMemory + n
	}
	c.keep(of, keptCount{began.Add(max(leastStands, countStands*time.Since(began))), counts}, began)
	return counts
}

// keep keeps an answer, and lets go of those that do not stand any more.
func (c *counter) keep(of string, k keptCount, now time.Time) {
	if len(c.kept) >= keptCounts {
		for other, kept := range c.kept {
			if !now.Before(kept.until) {
				delete(c.kept, other)
			}
		}
	}
	if len(c.kept) < keptCounts {
		c.kept[of] = k
	}
}
