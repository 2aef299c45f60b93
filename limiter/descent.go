package limiter

import "time"

// descent keeps a lane from sinking for nothing. Where calls are refused for what others do, or for the hazards of the
// way, a lower pace is refused as often as a higher one; each refusal would take it lower still. So it goes down in
// steps of one half, and takes the next one only if the last did not cost goodput: that is how a limit shows.
type descent struct {
	step               float64 // the level of the step under way; 0: there is none
	from               tick    // when that began
	accepted, refusals int     // calls since, and refusals that began an episode
	goodput            float64 // of the step before; 0: there was none
	until              tick    // until when going lower is pointless
}

const (
	// stepCalls is how many accepted calls judge a step.
	stepCalls = 20
	// stepShare: calls are refused as before while there are fewer than so many for each refusal.
	stepShare = 10
	// stepLoss is the part of the goodput that a step may cost.
	stepLoss = 0.25
	// pointless is how long it is believed that going lower is.
	pointless = 10 * time.Minute
)

// begin takes a level that stood the test as the one to go down from.
func (d *descent) begin(now tick, level float64) {
	d.step, d.from, d.accepted, d.refusals, d.goodput = level, now, 0, 0, 0
}

// bound returns the level to take instead of one that refusals ask for.
func (d *descent) bound(now tick, level float64) float64 {
	switch {
	case d.step == 0 || level >= d.step/2:
		return level
	case now < d.until:
		return d.step
	case d.accepted < stepCalls:
		return d.step / 2
	}
	g := float64(d.accepted) / max(now-d.from, time.Millisecond).Seconds()
	if d.goodput > 0 && g < (1-stepLoss)*d.goodput && d.accepted < stepShare*d.refusals {
		d.step, d.until = 2*d.step, now+pointless
		return d.step
	}
	d.step, d.from, d.accepted, d.refusals, d.goodput = d.step/2, now, 0, 0, g
	return d.step
}
