package operate

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/jobs"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// erasures wipe what is kept of webhooks about a subject, or of a tenant: what waits is cancelled, then the payloads of what
// is over go from history, and of its metadata what could tell of anyone.
type erasures struct {
	store      persist.Store
	dispatcher *dispatch.Dispatcher
	jobs       *jobs.Runner
	copies     *copies
}

const erasureKind = "erasure"

// erasureSpec says what is to go; of a subject only the digest is kept.
type erasureSpec struct {
	Subject record.Digest `json:"subject"`
	Tenants []string      `json:"tenants"`
}

// erasurePosition is how far an erasure came. Where it is run again it begins anew, and keeps its count: what was over might
// have been copied meanwhile to where it had looked already.
type erasurePosition struct {
	Cancelled int64 `json:"cancelled"`
}

// Begin is front.Erasures'.
func (e erasures) Begin(
	_ context.Context, subject record.Digest, tenants []string, tenant, key string,
) (front.JobView, bool, error) {
	spec := erasureSpec{subject, tenants}
	return e.jobs.Begin(jobs.Order{
		Kind: erasureKind, Tenant: tenant, Key: key, Spec: &spec,
		Fingerprint: fmt.Sprintf("%s %q", hex.EncodeToString(subject[:]), tenants),
	})
}

// run is the job.
func (e erasures) run(ctx context.Context, t *jobs.Task) error {
	var spec erasureSpec
	if err := t.Spec(&spec); err != nil {
		return err
	}
	filter := persist.Filter{Subject: spec.Subject, Tenants: spec.Tenants}
	if filter.Subject == (record.Digest{}) && len(filter.Tenants) == 0 {
		return errors.New("it names neither a subject nor a tenant")
	}
	var at erasurePosition
	if err := t.Position(&at); err != nil {
		return err
	}
	over, err := e.copies.erase(ctx, &filter)
	if err != nil {
		return err
	}
	defer over()
	for before, more := (record.ID{}), true; more; {
		page, err := e.store.Live(ctx, before, func(q *record.Queue) bool { return filter.MatchesTenant(q.Tenant) }, replayPage)
		if err != nil {
			return err
		}
		for i := range page.Rows {
			if err := e.cancel(ctx, &page.Rows[i], &filter, &at); err != nil {
				return err
			}
		}
		before = page.Next
		more = before != record.ID{}
		if err := t.Note(at.Cancelled, -1, at); err != nil {
			return err
		}
	}
	n, err := e.store.Erase(ctx, &filter)
	if err != nil {
		return err
	}
	return t.Note(int64(n), int64(n), at)
}

// cancel ends a live webhook that is meant; its attempt, if one is under way, is waited for.
func (e erasures) cancel(ctx context.Context, r *persist.LiveRow, filter *persist.Filter, at *erasurePosition) error {
	w, err := record.DecodeWebhook(r.Payload)
	if err != nil || !about(filter, w) {
		return nil //nolint:nilerr // unreadable: it says of nobody what it is about, and ends as such when it is due
	}
	err = e.dispatcher.Cancel(ctx, r.Entry.ID, "erased on request")
	switch {
	case err == nil:
		at.Cancelled++
	case errors.Is(err, dispatch.ErrOver), errors.Is(err, persist.ErrNotFound):
	default:
		return err
	}
	return nil
}
