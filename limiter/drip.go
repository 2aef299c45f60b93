package limiter

import "time"

// Some buckets tell on refusals, more finely than in whole seconds, when the next token is there: oxy and Traefik by X-Retry-In. The
// pause is as long as one token takes then, and the bucket is empty after the probe: while the pace is above that of the tokens, every
// other call is refused. But the tokens that came between two such instants are as many as calls were accepted.

// drip is what such refusals tell of the pace of the tokens.
type drip struct {
	due  tick    // when the next token was there, by a refusal's word; 0: none said it
	n    int32   // calls accepted since
	pace float32 // tokens a second by the last two of them, where nothing can have been saved up between; 0: not known
}

// leastDrip and dripTrips are how far apart two such instants must be, the latter in round trips, for the difference to mean something.
const (
	leastDrip = 40 * time.Millisecond
	dripTrips = 4
)

// told takes in that a refusal of a call says when the next token is there. While the lane followed the curve, its pace was above that
// of the tokens, if they are so much slower: nothing was saved up.
func (d *drip) told(sent, due tick, c *curve, trip time.Duration) {
	span, least := due-d.due, (1-c.depth)*c.level
	if d.due > 0 && d.n > 0 && span < max(leastDrip, dripTrips*trip) {
		return // the next one tells more
	}
	followed := (sent-d.due-trip).Seconds()*least <= float64(d.n)+1
	if pace := float64(d.n) / span.Seconds(); d.due > 0 && d.n > 0 && followed && pace < least {
		d.pace = float32(pace)
	}
	d.due, d.n = due, 0
}
