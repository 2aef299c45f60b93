package schedule

import "github.com/sluice-gateway/sluice/persist/record"

// Sending reports whether an attempt for a webhook is under way.
func (s *Schedule) Sending(id record.ID) bool {
	it := s.live[id]
	return it != nil && it.state == inFlight
}
