// Package limiter reads what a destination says about its limits, and keeps the budget that sends under them.
//
// Two halves meet in Hint. Reading: a Reader turns the headers of any response into a Hint, whatever dialect they speak.
// Sending: a Budget, one for each lane, answers when the next call may start, and learns from every response.
//
// It is pure: it never reads the clock, draws no randomness that was not handed in, starts nothing and locks nothing.
// It never decides what an attempt means for its webhook (gateway/policy does) nor whether a host is healthy (circuit).
package limiter
