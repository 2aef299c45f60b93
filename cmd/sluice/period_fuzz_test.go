package main

import (
	"testing"
	"time"
)

// FuzzInstantOf reads what --since and --until may be: an instant, or how long ago it was.
func FuzzInstantOf(f *testing.F) {
	for _, text := range []string{"2h", "7d", "-1h", "0s", "2026-01-31T09:30:00Z", "yesterday", "106751d", "1h30m"} {
		f.Add(text)
	}
	now := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := instantOf(text, now)
		if err != nil {
			return
		}
		if _, is := time.Parse(time.RFC3339Nano, text); is != nil && at.After(now) {
			t.Fatalf("%q ago is %v", text, at)
		}
	})
}
