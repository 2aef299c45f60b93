package subscription

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// TestType is the type of the events that are sent to try a subscription out.
const TestType = "test"

// TestDelivery returns the webhook that a test event makes for a tenant's subscription, whatever types, products and
// filter the subscription has, and whether it is enabled or not. It is stored nowhere.
func (r *Room) TestDelivery(tenantName, id string, now time.Time) (*record.Webhook, error) {
	e := r.entry(tenantName, id)
	if e == nil {
		return nil, fmt.Errorf("subscription %s: %w", id, ErrNotFound)
	}
	data, _ := json.Marshal(map[string]string{"subscription": id, "message": "a test"}) //nolint:errchkjson // strings
	event := &Event{
		ID: newID("evt_"), Type: TestType, Tenant: e.Record.Tenant, Created: now, Data: data,
		Products: e.Record.Products,
	}
	d := deliveries{event: event, room: r}
	d.add(e.Record)
	return d.deposits[0].Webhook, nil
}
