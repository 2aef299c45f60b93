package matrix

import "time"

// The rate of AIMD, in calls per second.
const (
	aimdStart  = 1.0
	aimdRise   = 0.5 // added each second
	aimdFall   = 0.5 // factor at a refusal
	aimdLowest = 0.1
)

// AIMD raises its rate evenly and halves it when it is refused (additive increase, multiplicative decrease, after Chiu
// and Jain, 1989), once for all calls that were under way. It looks at no header.
var AIMD = &Kind{Name: "AIMD", New: func(c *Cell, begin time.Time) Sender {
	return &aimd{rate: aimdStart, at: begin, next: begin, most: c.Workers}
}}

type aimd struct {
	rate     float64
	at       time.Time // when rate was brought up to date
	next     time.Time
	cut      time.Time // the last fall: refusals of calls sent before it are part of it
	most     int
	inFlight int
}

// Next implements Sender.
func (a *aimd) Next(now time.Time) (begin int, wake time.Time) {
	a.rise(now)
	for !now.Before(a.next) && a.inFlight < a.most {
		begin++
		a.inFlight++
		a.next = later(a.next, now).Add(time.Duration(float64(time.Second) / a.rate))
	}
	if a.inFlight >= a.most {
		return begin, time.Time{}
	}
	return begin, a.next
}

func (a *aimd) rise(now time.Time) {
	a.rate += aimdRise * now.Sub(a.at).Seconds()
	a.at = now
}

// Ended implements Sender.
func (a *aimd) Ended(now time.Time, r *Response) {
	a.inFlight--
	a.rise(now)
	if r.Refused() && r.Sent.After(a.cut) {
		a.rate = max(aimdLowest, a.rate*aimdFall)
		a.cut = now
		a.next = now.Add(time.Duration(float64(time.Second) / a.rate))
	}
}
