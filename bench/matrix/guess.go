package matrix

import "time"

// guessedPart is what an operator who knows the limit dares to use of it.
const guessedPart = 0.8

// fallbackWait is how long the simple senders wait after a refusal that does not say how long.
const fallbackWait = time.Second

// Guess is a fixed rate that an operator guessed, well: a part of the true limit. After a refusal it waits as long as
// it is asked to, or a second.
var Guess = &Kind{Name: "fixed guess", New: func(c *Cell, begin time.Time) Sender {
	return &guess{
		interval: time.Duration(float64(time.Second) / (guessedPart * c.Rate())), next: begin, most: c.Workers,
	}
}}

type guess struct {
	interval time.Duration
	next     time.Time
	most     int
	inFlight int
	reading  reading
}

// Next implements Sender.
func (g *guess) Next(now time.Time) (begin int, wake time.Time) {
	for !now.Before(g.next) && g.inFlight < g.most {
		begin++
		g.inFlight++
		g.next = later(g.next.Add(g.interval), now)
	}
	if g.inFlight >= g.most {
		return begin, time.Time{}
	}
	return begin, g.next
}

// Ended implements Sender.
func (g *guess) Ended(now time.Time, r *Response) {
	g.inFlight--
	if r.Refused() {
		g.next = later(g.next, now.Add(g.reading.wait(r)))
	}
}

// wait is how long a refusal asks to be left alone; fallbackWait when it does not.
func (rd *reading) wait(r *Response) time.Duration {
	if h := rd.read(r); h != nil && h.HasRetryAfter && h.RetryAfter > 0 {
		return h.RetryAfter
	}
	return fallbackWait
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
