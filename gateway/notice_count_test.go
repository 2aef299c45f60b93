package gateway

import (
	"testing"
	"time"
)

func TestATenantsErrorsAreToldWhenTheyExceedWhatADayMayHaveAndOnceADay(t *testing.T) {
	var d dayOfErrors
	now := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)
	told := 0
	count := func(n int) {
		for range n {
			if d.count(now, 1000) {
				told++
			}
		}
	}
	count(1000)
	if told != 0 {
		t.Error("told at 1,000 already")
	}
	if count(1); told != 1 {
		t.Error("not told at 1,001")
	}
	now = now.Add(23 * time.Hour)
	if count(2000); told != 1 {
		t.Error("told twice within a day")
	}
	now = now.Add(time.Hour)
	if count(1); told != 2 {
		t.Error("not told on the next day, though the day before it still counts")
	}
	now = now.Add(72 * time.Hour)
	if count(1000); told != 2 {
		t.Error("errors of days before are counted")
	}
}
