package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
)

func TestAllHostsInDistressAreFoundPartByPart(t *testing.T) {
	s := unlimited(schedule.Settings{})
	const hosts = 5000
	for n := range hosts {
		q := queueOf(fmt.Sprintf("h%d.example", n), "f")
		s.Committed(epoch, fresh(q, n, epoch.Add(time.Hour)))
	}
	found, asked, most := map[string]bool{}, 0, 0
	now := epoch
	for from, more := uint64(0), true; more; asked++ {
		part := 0
		from, more = s.Distressed(from, true, func(d schedule.Distress) {
			part++
			found[d.Host] = true
		})
		most = max(most, part)
		now = now.Add(4 * time.Minute)
		s.Next(now) // which turns over the order in which they are looked at
	}
	if len(found) != hosts {
		t.Errorf("%d of %d hosts that something waits for were found", len(found), hosts)
	}
	if most > 1024 || asked < 5 {
		t.Errorf("asked %d times, for %d at once", asked, most)
	}
	s.Distressed(0, false, func(d schedule.Distress) { t.Errorf("%+v is no distress where nobody asks for what waits", d) })
}
