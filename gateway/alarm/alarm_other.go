//go:build !linux

package alarm

// New returns the most punctual alarm that there is here: a Timer.
func New() (Alarm, error) { return NewTimer(), nil }
