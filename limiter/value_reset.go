package limiter

import (
	"fmt"
	"math"
	"time"
)

// MaxReset is the farthest a window's end is believed to be away: no destination counts calls over more than a month.
const MaxReset = 31 * day

// ResetForm is how the value of a reset was read. The zero value: not read.
type ResetForm uint8

// The forms of a reset. Constant is learned, never read: a delta that stays the same while time goes by says how long
// the window is, not when it ends.
const (
	ResetUntold ResetForm = iota
	DeltaSeconds
	DeltaMillis
	EpochSeconds
	EpochMillis
	EpochMicros
	EpochNanos
	ResetDuration // a length of time with its unit, "6m0s"
	ResetDate     // a date in words or of RFC 3339
	Constant
)

var resetForms = [...]string{
	"untold", "delta-seconds", "delta-milliseconds", "epoch-seconds", "epoch-milliseconds", "epoch-microseconds",
	"epoch-nanoseconds", "duration", "date", "constant",
}

// String returns the form's name as the configuration writes it.
func (f ResetForm) String() string {
	if int(f) < len(resetForms) {
		return resetForms[f]
	}
	return fmt.Sprintf("ResetForm(%d)", uint8(f))
}

// Absolute reports whether the form names an instant on the destination's clock, so that clock skew matters.
func (f ResetForm) Absolute() bool { return f >= EpochSeconds && f <= EpochNanos || f == ResetDate }

// unit is what one of the number counts; 0 for forms that are no numbers.
func (f ResetForm) unit() time.Duration {
	switch f {
	case DeltaSeconds, EpochSeconds, Constant:
		return time.Second
	case DeltaMillis, EpochMillis:
		return time.Millisecond
	case EpochMicros:
		return time.Microsecond
	case EpochNanos:
		return time.Nanosecond
	}
	return 0
}

// stamp is an instant or a delay as told, before the clocks are compared.
type stamp struct {
	form ResetForm
	raw  float64
	wait time.Duration // of a delay
	at   time.Time     // of an instant, on the destination's clock
	fine time.Duration // the unit it was rounded to
}

// naming is what a field's name says about its value, over what the value itself would suggest.
type naming uint8

const (
	millis   naming = 1 << iota // "-Ms", "-Milliseconds"
	relative                    // "-After", "-In"
	seconds                     // "-Seconds", "-Sec"
	micros                      // "-Microseconds"
	nanos                       // "-Nanoseconds"
)

// unitTold are those that say in what a number is told.
const unitTold = millis | seconds | micros | nanos

// parseStamp reads the value of a reset or of a delay. A bare number is read by its magnitude, because no delay is as
// long as the Unix epoch is old: from 1e9 on seconds since 1970, from 1e11 milliseconds, from 1e14 microseconds, from
// 1e17 nanoseconds; below, a delay in seconds.
func parseStamp(b []byte, says naming, now time.Time) (stamp, bool) {
	b = trim(b)
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		b = trim(b[1 : len(b)-1])
	}
	if v, frac, ok := parseNumber(b); ok {
		if v < 0 {
			return stamp{}, false
		}
		switch { // there is no form for so small a unit
		case v >= 1e17: // an instant
		case says&nanos != 0:
			return stampOf(DeltaSeconds, v/1e9, 9)
		case says&micros != 0 && v < 1e14:
			return stampOf(DeltaSeconds, v/1e6, 6)
		}
		return stampOf(formOf(v, says), v, frac)
	}
	if d, fine, ok := parseDuration(b); ok {
		return stamp{form: ResetDuration, raw: d.Seconds(), wait: d, fine: min(fine, time.Millisecond)}, true
	}
	if at, fine, ok := parseDate(b, now); ok {
		return stamp{form: ResetDate, raw: max(0, float64(at.UnixMicro())/1e6), at: at, fine: fine}, true
	}
	return stamp{}, false
}

// formOf is the form a bare number is read in.
func formOf(v float64, says naming) ResetForm {
	switch {
	case v >= 1e17:
		return EpochNanos
	case v >= 1e14:
		return EpochMicros
	case v >= 1e11:
		return EpochMillis
	case says&millis != 0:
		return DeltaMillis
	case v >= 1e9 && says&relative == 0:
		return EpochSeconds
	}
	return DeltaSeconds
}

// stampOf reads a number in a given form; frac is how many digits followed its point.
func stampOf(form ResetForm, v float64, frac int) (stamp, bool) {
	unit := form.unit()
	if unit == 0 || !(v >= 0) || v > 9e18 {
		return stamp{}, false
	}
	s := stamp{form: form, raw: v, fine: max(scale(unit, frac), 1)}
	if !form.Absolute() {
		ns := v * float64(unit)
		if ns > math.MaxInt64/4 {
			return stamp{}, false
		}
		s.wait = time.Duration(math.Round(ns))
		return s, true
	}
	whole, part := math.Modf(v)
	perSecond := float64(time.Second / unit)
	if whole/perSecond > 1e10 { // beyond the year 2286
		return stamp{}, false
	}
	s.at = time.Unix(int64(whole/perSecond), int64(math.Mod(whole, perSecond)*float64(unit)+math.Round(part*float64(unit))))
	return s, true
}
