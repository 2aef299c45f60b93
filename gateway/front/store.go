package front

import (
	"context"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Store is what the front door needs of persist.Store.
type Store interface {
	Enqueue(ctx context.Context, deposits []persist.Deposit) ([]persist.Receipt, error)
	Webhook(ctx context.Context, id record.ID) (*persist.View, error)
}
