package limiter

import "time"

// View is a budget as it is shown to people.
type View struct {
	// Rate is the pace in calls per second, +Inf when unlimited; From says what it comes from: start, refusals (found
	// by what was refused), window, ceiling, fixed, unlimited.
	Rate float64
	From string
	// PausedUntil is zero when there is no pause; PauseCause is what asked for it. Probing: one call is to find out
	// whether a pause is over.
	PausedUntil time.Time
	PauseCause  string
	Probing     bool
	InFlight    int
	Concurrency int // the most calls at once, just now
	Windows     []WindowView
	// Advice is what an operator might do about the lane, a sentence each; usually empty.
	Advice []string
}

// WindowView is one window as it is shown.
type WindowView struct {
	Name, Source string
	Limit        int64
	Per          time.Duration // 0: not known yet
	Configured   bool
	// Guessed: the destination did not say how long the window is. Confirmed: what it counts has agreed since.
	Guessed, Confirmed bool
	Used               int64     // calls of ours in it, those in flight included
	Remaining          int64     // as last told; Unknown when not
	Reset              time.Time // when Remaining means nothing any more; zero: it does not now
	Since, Told        time.Time // when it was first and last told
}

// View returns the budget as it stands.
func (b *Budget) View(now time.Time) View {
	t := b.tick(now)
	v := View{
		Probing: b.pause.probing, InFlight: int(b.inFlight), Concurrency: int(b.calls.atOnce()), Advice: b.advice(),
	}
	v.Rate, v.From = b.pace(t)
	if b.pause.until > t {
		v.PausedUntil, v.PauseCause = b.at(b.pause.until), b.pause.cause
	}
	for _, w := range b.windows {
		w.permits.advance(t)
		wv := WindowView{
			Name: w.name, Source: w.source, Limit: w.limit, Per: w.per, Configured: w.configured(),
			Guessed: !w.declared(), Confirmed: w.confirmed(), Used: w.permits.used + int64(b.inFlight),
			Remaining: w.ledger.left, Since: b.at(w.since), Told: b.at(w.toldAt),
		}
		if t < w.ledger.until {
			wv.Reset = b.at(w.ledger.until)
		}
		v.Windows = append(v.Windows, wv)
	}
	return v
}

// Rate returns the pace as it is now, in calls per second; +Inf when unlimited.
func (b *Budget) Rate(now time.Time) float64 { return b.rate(b.tick(now)) }

// adviseByCredential is what an operator might do; <host> stands for the host's name, which is not known here.
const adviseByCredential = "what remains falls as if two credentials had a quota each; for a lane of each one's own: " +
	"limits.hosts: - {match: <host>, by: authorization}"

// advice is what an operator might do about the lane.
func (b *Budget) advice() []string {
	for _, w := range b.windows {
		if w.quotas.found {
			return []string{adviseByCredential}
		}
	}
	return nil
}
