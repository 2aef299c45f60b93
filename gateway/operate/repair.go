package operate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// repairs are an operator's hand on single webhooks.
type repairs struct {
	store      persist.Store
	dispatcher *dispatch.Dispatcher
	copies     *copies
}

// Cancel is front.Repairs'.
func (r repairs) Cancel(ctx context.Context, id record.ID) error {
	const reason = "cancelled on request"
	soon, stop := context.WithTimeout(ctx, handTimeout)
	defer stop()
	err := r.dispatcher.Cancel(soon, id, reason)
	if errors.Is(err, dispatch.ErrSending) && ctx.Err() == nil { // its attempt may take longer than anyone wants to wait
		err = cmp.Or(r.dispatcher.CancelLater(ctx, id, reason), err)
	}
	return repairError(err)
}

// Retry is front.Repairs'.
func (r repairs) Retry(ctx context.Context, id record.ID, key *[32]byte) (front.Retried, error) {
	ctx, stop := context.WithTimeout(ctx, handTimeout)
	defer stop()
	copied := r.copies.begin()
	defer copied.end()
	var under *persist.Idempotency
	if key != nil {
		under = &persist.Idempotency{Key: *key, Fingerprint: [16]byte(sha256sum(id[:]))}
		known, err := r.store.Known(ctx, *under)
		if err != nil || known.Verdict != persist.New {
			return retried(known, err)
		}
	}
	view, err := r.store.Webhook(ctx, id)
	if err != nil {
		return front.Retried{}, err
	}
	if view.Final == nil {
		switch err := r.hasten(ctx, id, under); {
		case err == nil:
			return front.Retried{ID: id}, nil
		case !errors.Is(err, dispatch.ErrOver):
			return front.Retried{}, repairError(err)
		}
		if view, err = r.store.Webhook(ctx, id); err != nil {
			return front.Retried{}, err
		}
	}
	deposit, err := replayOf(view, copied)
	if err != nil {
		return front.Retried{}, err
	}
	deposit.Idempotency = under
	receipts, err := copied.accept(ctx, r.store, []persist.Deposit{deposit})
	if err != nil {
		return front.Retried{}, err
	}
	return retried(receipts[0], nil)
}

// hasten makes a webhook that waits due now. The request is remembered when that is done, so that who repeats it once the
// webhook is over gets no second one.
func (r repairs) hasten(ctx context.Context, id record.ID, under *persist.Idempotency) error {
	err := r.dispatcher.Hasten(ctx, id)
	if err == nil && under != nil {
		_, err = r.store.Remember(ctx, *under, id)
	}
	return err
}

// retried is what a retry came to under its idempotency key.
func retried(r persist.Receipt, err error) (front.Retried, error) {
	switch {
	case err != nil:
		return front.Retried{}, err
	case r.Verdict == persist.Conflict:
		return front.Retried{}, front.ErrKeyConflict
	}
	return front.Retried{ID: r.ID, Existing: r.Verdict == persist.Existing}, nil
}

// replayOf makes a new webhook of one that is over. It is due at once and has no deadline: the old one's was for then.
// Replays names the first of a row of repetitions. What is being erased has no body any more, and what was signed
// for a subscription that was deleted cannot be.
func replayOf(view *persist.View, by *copying) (persist.Deposit, error) {
	if view.Payload == nil {
		return persist.Deposit{}, front.ErrBodyGone
	}
	w, err := record.DecodeWebhook(view.Payload)
	if err != nil {
		return persist.Deposit{}, fmt.Errorf("replaying %s: %w", view.Final.ID, err)
	}
	switch {
	case by.refuses(w):
		return persist.Deposit{}, front.ErrBodyGone
	case by.orphan(w):
		return persist.Deposit{}, front.ErrSubscriptionGone
	}
	if w.Replays == (record.ID{}) {
		w.Replays = view.Final.ID
	}
	w.SendAt, w.Expires, w.ExpireEarly = 0, 0, false
	return persist.Deposit{Queue: w.Queue(), Payload: w.Encode(), Webhook: w}, nil
}

func sha256sum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:16]
}

func repairError(err error) error {
	switch {
	case errors.Is(err, dispatch.ErrOver):
		return front.ErrOver
	case errors.Is(err, dispatch.ErrSending):
		return front.ErrSending
	case errors.Is(err, dispatch.ErrUnsaved), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", front.ErrUnsaved, err)
	}
	return stopping(err)
}
