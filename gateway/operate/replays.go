package operate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/jobs"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// replays repeat what a filter means of the finished webhooks: each is accepted anew, in groups, and sent at its lane's
// pace like anything else that waits.
type replays struct {
	store  persist.Store
	jobs   *jobs.Runner
	copies *copies
}

const replayKind = "replay"

// Bounds on the work at once.
const (
	replayPage  = 256     // webhooks looked for at once
	replayGroup = 4 << 20 // bytes of payloads accepted as one group, about
	countFor    = 10 * time.Second
	replayAgain = time.Second // after the store took nothing
)

// replayPosition is how far a replay came.
type replayPosition struct {
	Counted bool   `json:"counted"` // Total is
	Total   int64  `json:"total"`
	Done    int64  `json:"done"`
	Cursor  string `json:"cursor"`
}

// Count is front.Replays'.
func (r replays) Count(ctx context.Context, filter *persist.Filter) (n int64, whole bool, err error) {
	ctx, stop := context.WithTimeout(ctx, countFor)
	defer stop()
	n, err = r.count(ctx, filter)
	if errors.Is(err, context.DeadlineExceeded) {
		return n, false, nil
	}
	return n, err == nil, err
}

func (r replays) count(ctx context.Context, filter *persist.Filter) (n int64, err error) {
	for from := ""; ; {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		page, err := r.store.History(ctx, filter, from, replayPage)
		if err != nil {
			return n, err
		}
		n += int64(len(page.Finals))
		if from = page.Next; from == "" {
			return n, nil
		}
	}
}

// Begin is front.Replays'.
func (r replays) Begin(_ context.Context, filter *persist.Filter, tenant, key string) (front.JobView, bool, error) {
	b, err := json.Marshal(filter)
	if err != nil {
		return front.JobView{}, false, err
	}
	sum := sha256.Sum256(b)
	spec := *filter
	spec.UpTo = r.store.LastID() // not what it makes itself
	return r.jobs.Begin(jobs.Order{Kind: replayKind, Tenant: tenant, Key: key, Fingerprint: hex.EncodeToString(sum[:]), Spec: &spec})
}

// run is the job. A webhook is accepted under a key made of the job's id and its own, so that one which was accepted before
// a crash, and not noted yet, is not accepted twice, as long as the job goes on within jobs.Keep.
func (r replays) run(ctx context.Context, t *jobs.Task) error {
	var filter persist.Filter
	if err := t.Spec(&filter); err != nil {
		return err
	}
	var at replayPosition
	if err := t.Position(&at); err != nil {
		return err
	}
	if !at.Counted {
		n, err := r.count(ctx, &filter)
		if err != nil {
			return err
		}
		at.Counted, at.Total = true, n
	}
	for {
		if err := t.Note(at.Done, at.Total, at); err != nil {
			return err
		}
		page, err := r.store.History(ctx, &filter, at.Cursor, replayPage)
		if err != nil {
			return err
		}
		if err := r.repeat(ctx, t, page.Finals); err != nil {
			return err
		}
		at.Done += int64(len(page.Finals))
		if at.Cursor = page.Next; at.Cursor == "" {
			return t.Note(at.Done, max(at.Done, at.Total), at)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// repeat accepts finished webhooks anew, however long the store has no room for them.
func (r replays) repeat(ctx context.Context, t *jobs.Task, finals []*record.Final) error {
	for len(finals) > 0 {
		n, gone, err := r.group(ctx, t, finals)
		switch {
		case err == nil:
			t.Skip(gone)
			finals = finals[n:]
			continue
		case !errors.Is(err, persist.ErrBusy) && !errors.Is(err, persist.ErrFull):
			return err
		}
		select {
		case <-time.After(replayAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// group accepts the first of some finished webhooks anew, as many as one group takes, and returns how many it looked at, and
// of how many of those nothing was left to be sent.
func (r replays) group(ctx context.Context, t *jobs.Task, finals []*record.Final) (n, gone int, err error) {
	copied := r.copies.begin()
	defer copied.end()
	var anew []persist.Deposit
	for bytes := 0; n < len(finals); n++ {
		id := finals[n].ID
		view, err := r.store.Webhook(ctx, id)
		if errors.Is(err, persist.ErrNotFound) || err == nil && view.Final == nil {
			gone++ // its time was up meanwhile; or a crash left it both over and live, and it is sent anyway
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		deposit, err := replayOf(view, copied)
		if errors.Is(err, front.ErrBodyGone) || errors.Is(err, front.ErrSubscriptionGone) || errors.Is(err, record.ErrFormat) {
			gone++
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		if bytes += len(deposit.Payload); len(anew) > 0 && bytes > replayGroup {
			break
		}
		key := sha256.Sum256(append([]byte(t.ID()), id[:]...))
		deposit.Idempotency = &persist.Idempotency{Key: key, Fingerprint: [16]byte(key[:16]), Keep: jobs.Keep}
		anew = append(anew, deposit)
	}
	if len(anew) == 0 {
		return n, gone, nil
	}
	if _, err := copied.accept(ctx, r.store, anew); err != nil {
		return 0, 0, fmt.Errorf("accepting %d webhooks anew: %w", len(anew), err)
	}
	return n, gone, nil
}
