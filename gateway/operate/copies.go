package operate

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// copies keeps those apart who read what is over and accept it anew, replays and retries, and those who erase it. Whoever
// copies has said so before it reads: it copies nothing that an erasure means which had begun by then, and an erasure that
// begins later waits until what was read is accepted, so that it finds the copy among what waits or is over.
//
// The zero value is ready.
type copies struct {
	// orphaned reports whether a webhook cannot be sent again, as it was to be signed for a subscription that is gone. Nil: none
	// is.
	orphaned func(*record.Webhook) bool

	mu      sync.Mutex
	erasing map[*persist.Filter]struct{}
	under   map[*copying]struct{}
}

// copying is one reading, and the accepting of what was read.
type copying struct {
	of      *copies
	erasing []*persist.Filter // under way when it began
	held    atomic.Int32      // by who has not ended it
	ended   chan struct{}
}

// begin is called before anything that is to be accepted anew is read; end must follow.
func (c *copies) begin() *copying {
	p := &copying{of: c, ended: make(chan struct{})}
	p.held.Store(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under == nil {
		c.under = map[*copying]struct{}{}
	}
	c.under[p] = struct{}{}
	p.erasing = slices.Collect(maps.Keys(c.erasing))
	return p
}

// end is called when nothing more that was read will be accepted.
func (p *copying) end() {
	if p.held.Add(-1) > 0 {
		return
	}
	p.of.mu.Lock()
	delete(p.of.under, p)
	p.of.mu.Unlock()
	close(p.ended)
}

// orphan reports whether a webhook can never be signed any more.
func (p *copying) orphan(w *record.Webhook) bool { return p.of.orphaned != nil && p.of.orphaned(w) }

// refuses reports whether a webhook is being erased.
func (p *copying) refuses(w *record.Webhook) bool {
	return slices.ContainsFunc(p.erasing, func(f *persist.Filter) bool { return about(f, w) })
}

// accept has a store accept what was copied. Where ctx ends first it returns, and the copying ends all the same only when it
// is known what became of it.
func (p *copying) accept(ctx context.Context, store persist.Store, deposits []persist.Deposit) ([]persist.Receipt, error) {
	type answer struct {
		receipts []persist.Receipt
		err      error
	}
	answered := make(chan answer, 1)
	p.held.Add(1)
	go func() {
		defer p.end()
		receipts, err := store.Enqueue(context.WithoutCancel(ctx), deposits)
		answered <- answer{receipts, err}
	}()
	select {
	case a := <-answered:
		return a.receipts, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// erase announces an erasure, and returns when all that was read before is accepted or never will be. From then on until over
// is called nothing of what filter means is copied.
func (c *copies) erase(ctx context.Context, filter *persist.Filter) (over func(), err error) {
	c.mu.Lock()
	if c.erasing == nil {
		c.erasing = map[*persist.Filter]struct{}{}
	}
	c.erasing[filter] = struct{}{}
	before := slices.Collect(maps.Keys(c.under))
	c.mu.Unlock()
	over = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.erasing, filter)
	}
	for _, p := range before {
		select {
		case <-p.ended:
		case <-ctx.Done():
			over()
			return nil, ctx.Err()
		}
	}
	return over, nil
}

// about reports whether a webhook is of the tenants and about the subject that an erasure's filter names.
func about(f *persist.Filter, w *record.Webhook) bool {
	return f.MatchesTenant(w.Tenant) && (f.Subject == record.Digest{} || f.Subject == w.Subject)
}
