package limiter

// heldCause is why a lane is held that is held by Observation.Held, in the word shown to people.
const heldCause = "credential"

// holdForCredential pauses the lane, and lets one call try afterwards. Of several calls that end so together the first counts.
func (b *Budget) holdForCredential(now tick, o *Observation) {
	sent := now
	if !o.Sent.IsZero() {
		sent = min(b.since(o.Sent), now)
	}
	if !b.pause.isNews(sent) {
		return
	}
	b.revision++
	b.pause.refused(now)
	b.pause.hold(now, now+min(o.Held, b.cfg.MaxPause), false, heldCause)
}
