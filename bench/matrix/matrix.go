// Package matrix studies how much of a destination's allowance a sender uses, and how often it is refused, over a
// matrix of destinations: how they limit, how they tell, how far away they are, and what happens meanwhile.
//
// A cell of the matrix is one such situation. Run puts a Sender into it in virtual time: one agenda of events, calls
// that take their time on the road, a server made of bench/destination's models that answers with the header fields
// real servers send. Sluice is the product's own schedule, budget and header reading (gateway/schedule, limiter);
// the others are plain models of what senders do today. Best is what a sender reaches that knows everything in
// advance, and what the rest is measured by.
//
// It is pure: no I/O, no clock, no goroutine, and the same cell, sender and seed always give the same Result. It
// measures; it never decides what the product does.
package matrix

import "time"

// instant is a time of a study: since its epoch, in ns.
type instant = time.Duration

// epoch is where all studies' time begins: a multiple of every window up to a day, so that windows aligned to the
// clock are aligned to instants.
var epoch = time.Unix(20_834*24*3600, 0).UTC()

// never comes after everything.
const never instant = 1<<63 - 1

// at is an instant as senders and servers see it.
func at(t instant) time.Time { return epoch.Add(t) }
