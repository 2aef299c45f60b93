package limiter

import (
	"testing"
	"time"
)

// TestPlacesLostToAnOutageComeBackARoundTripEach has a destination that limits calls at once, fails for a while and is well
// again: what it bore before is not searched for anew.
func TestPlacesLostToAnOutageComeBackARoundTripEach(t *testing.T) {
	const trip = 100 * time.Millisecond
	var c concurrency
	c.configure(16, 512)
	c.limited(0, 11)
	if c.limit != 10 || c.base != 10 {
		t.Fatalf("limit %d, base %d; want 10 of each", c.limit, c.base)
	}
	now := tick(0)
	for range 100 {
		now += trip
		c.strained(now, c.limit, trip)
	}
	if c.limit != 1 {
		t.Fatalf("limit %d after an outage, want 1", c.limit)
	}
	for range 9 {
		now += trip
		c.began(c.limit)
		c.accept(now, trip)
	}
	if c.limit != 10 {
		t.Errorf("limit %d after nine round trips, want the 10 there were", c.limit)
	}
	for range 9 {
		now += trip
		c.began(c.limit)
		c.accept(now, trip)
	}
	if c.limit != 10 {
		t.Errorf("limit %d, want no more than is known to be borne", c.limit)
	}
	c.strained(now, c.limit, trip)
	c.lower(0)
	lowered := c.limit
	for range 9 {
		now += trip
		c.began(c.limit)
		c.accept(now, trip)
	}
	if c.limit > lowered {
		t.Errorf("limit %d, want %d: a refusal since says that fewer are borne", c.limit, lowered)
	}
}
