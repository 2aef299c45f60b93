package front

import "time"

// Instant is a time as the API shows it: RFC 3339 with milliseconds, in UTC; the zero one is null.
type Instant struct{ time.Time }

// At is the instant of a record; 0 is the zero Instant.
func At(unixMilli int64) Instant {
	if unixMilli == 0 {
		return Instant{}
	}
	return Instant{time.UnixMilli(unixMilli)}
}

// MarshalJSON writes the form that the API shows.
func (t Instant) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(make([]byte, 0, 28), `"2006-01-02T15:04:05.000Z"`), nil
}
