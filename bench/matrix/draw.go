package matrix

import (
	"math"
	"time"
)

// purpose is what a draw is for: draws for different purposes are independent.
type purpose uint64

const (
	drawPhase purpose = iota
	drawOut
	drawBack
	drawService
	drawForeign
	drawSpread // in the picture
)

// draw returns a uniform number in [0, 1) that belongs to a seed, an ordinal and a purpose, whenever and in whatever
// order it is asked for: so that every sender meets the same road, and one may know it in advance. It is the finalizer
// of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014) over the three.
func draw(seed uint64, n int, of purpose) float64 {
	z := mix(mix(mix(seed+0x9e3779b97f4a7c15)+uint64(of)) + uint64(n)) //nolint:gosec // bits, not a quantity
	return float64(z>>11) / (1 << 53)
}

func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// road is the way of the calls of a run; calls are numbered from 0 in the order in which they are sent.
type road struct {
	cell *Cell
	seed uint64
}

// out is how long a call takes to the server.
func (r *road) out(call int) time.Duration { return r.way(call, drawOut) }

// back is how long its answer takes from there.
func (r *road) back(call int) time.Duration { return r.way(call, drawBack) }

func (r *road) way(call int, of purpose) time.Duration {
	d := r.cell.RTT / 2
	if r.cell.Jitter > 0 {
		d += time.Duration(draw(r.seed, call, of) * float64(r.cell.Jitter))
	}
	return d
}

// service is how long the server works on a call that it accepted.
func (r *road) service(call int) time.Duration {
	d := float64(r.cell.Service)
	if r.cell.Spread > 0 {
		d *= 1 + r.cell.Spread*(2*draw(r.seed, call, drawService)-1)
	}
	return time.Duration(d)
}

// foreign returns when the calls of others arrive, up to an instant.
func (r *road) foreign(until instant) []instant {
	if r.cell.Shared == 0 {
		return nil
	}
	l := r.cell.Limits[0]
	mean := l.Per.Seconds() / (float64(l.Limit) * r.cell.Shared)
	var arrivals []instant
	for t, n := 0.0, 0; ; n++ {
		t -= mean * math.Log(1-draw(r.seed, n, drawForeign))
		arrival := instant(t * float64(time.Second))
		if arrival > until {
			return arrivals
		}
		arrivals = append(arrivals, arrival)
	}
}
