// Package limiter reads what a destination says about its limits, and keeps the budget that sends under them.
//
// Two halves meet in Hint. Reading: a Reader turns the headers of any response into a Hint, whatever dialect they speak.
// Sending: a Budget, one for each lane, answers when the next call may start, and learns from every response.
//
// It is pure: it never reads the clock, draws no randomness that was not handed in, starts nothing and locks nothing.
// It never decides what an attempt means for its webhook (gateway/policy does) nor whether a host is healthy (circuit).
//
// # Sending
//
// The life of a call is in budget.go: Budget.ReadyAt asks the gates, all of which must be open, Budget.Start counts the call,
// and Budget.Observe (observe.go) takes in how it ended. The gates, in the order in which they are asked:
//
//	pause         pause.go        a refusal holds the lane; when that is over one call, the probe, tries
//	calls at once concurrency.go  a limit that finds its level by what is refused with many in flight (concurrency_jam.go)
//	windows       window.go       n calls per time: permits (permits.go), and a ledger of what the freshest response left
//	pace          pacer.go        calls are spread evenly, at the rate that Budget.pace chooses (pace.go)
//
// Where calls must keep a distance the last one's arrival counts, too (last_call.go). The rate is what an operator fixed; else what is
// told for sure (the windows' pace); else what the lane found by itself (the explorer's), which also bounds a told one that was refused
// nonetheless.
//
// # A window
//
// A window is told of, mostly by its limit, what remains of it and a reset (windows.go: which window is it?; window_told.go:
// what is new, step by step?). What the destination counts is in its ledger (window_ledger.go). It goes through three states, by what
// its length rests on (window_basis.go):
//
//   - Without a length (per is 0) it is no gate. The length is declared by a policy or a rule, else guessed from the resets
//     (window_length.go, and window_whole.go where that is too long), from refusals where only they tell of time (window_untimed.go),
//     or from how fast what remains falls where resets are too coarse (window_drain.go).
//   - With a length that is but guessed, permits and what remains both hold it.
//   - Confirmed, once permits came back when the destination's count said so: permits hold it, and what others take.
//
// Some are not what they seem, which shows by what remains and by refusals: a bucket, whose reset is the time until it is whole
// (window_filling.go), or which holds less than it says (window_small.go); a window that slides (window_sliding.go), and may never
// allow its last call (window_withheld.go); a distance between calls (window_spacing.go); a single call, of which little can be told
// (window_single.go). Where refusals only say when to come back a window is inferred from that (window_inferred.go), or searched for if
// they always ask for the same (window_inferred_constant.go). What others take of one is in window_others.go, and what shows that it
// was guessed too short for that in window_outlasts.go. A reset of milliseconds that are taken for seconds is in window_millis.go.
//
// # The explorer
//
// Where nothing is told, the explorer (explorer.go) doubles its rate until the first refusal. Then it has a level, the pace at
// which refusals begin, and circles it on a curve (explorer_curve.go). From a refusal to the probe that is accepted is an episode
// (refusal.go: what explains a refusal?); each episode puts the level right (explorer_level.go), from the goodput since the last one
// (goodput.go), and shapes the next curve. When the probe goes, if nobody says, is in explorer_probe.go. An episode that ended by chance
// goes on (explorer_relapse.go); a level does not sink where that gains nothing (descent.go).
//
// # Reading
//
// Reader (read.go) gathers the fields of one window into a group (read_group.go), by their names (read_name.go), and resolves
// what they say into windows (read_item.go, read_words.go, read_structured.go; read_prose.go what is told in words, read_vendor.go what
// is in no common form), joined and the most binding picked (read_merge.go),
// and a time to wait (read_retry.go). The lists of the RateLimit fields are in structured.go, numbers, durations and instants
// in value_*.go. What no single response tells, such as the unit of a reset, a Dialect learns (dialect*.go).
//
// # Around them
//
// What an operator says is a Config (config.go) and does by hand is in operator.go; what people see, a View (view.go), with advice
// where one window turns out to be two (window_quotas.go); what may come to be allowed, for those who make room, Foresee
// (foresight.go); what round trips tell of the way, rtt (rtt.go); which lengths people choose for windows, lengths.go; what is kept
// over a restart, a Snapshot (snapshot.go); when a budget is worth keeping in memory, Rest (rest.go).
//
// # Where is it decided?
//
//	that a number is milliseconds, or an instant      formOf, value_reset.go; over several responses learn, dialect_slope.go,
//	                                                  and by what came back readMillis, window_millis.go
//	whose clock an instant is read by                 exchange, value_skew.go
//	which statuses may ask for a pause                Observation.refused, observe.go; for a webhook's own wait retryAfter, read_retry.go
//	which of several windows holds                    pick, read_merge.go, for people; all of them do, ReadyAt, budget.go
//	how long a refusal without a time holds           holdAfter, refusal.go, if a window explains it; else backoff, explorer_probe.go
//	that no burst comes at a window's edge            ended, window.go: permits come back a window after arrival; pacer.go
//	that an older response does not loosen            tighten, window_ledger.go
//	how much is left to others                        reserve, window_others.go
//	that a limit was raised, or lowered               tellLimit, window_told.go; else the curve, and nextLevel, explorer_level.go
//	what ten idle minutes, or a restart, leave        forgetPace, budget.go; takeUp, snapshot.go
package limiter
