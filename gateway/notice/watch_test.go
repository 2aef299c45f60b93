package notice

import (
	"fmt"
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

func TestErrorsAreCountedOfABoundedNumberOfTenantsAndForgottenAfterADay(t *testing.T) {
	n := &Teller{errors: map[string]*dayOfErrors{}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 10 {
		d := new(dayOfErrors)
		d.count(now.Add(time.Duration(i)*time.Hour), 1000)
		n.errors[fmt.Sprint(i)] = d
	}
	n.forgetErrors(now.Add(27 * time.Hour)) // of the first hours' errors nothing counts
	if len(n.errors) != 6 {
		t.Errorf("%d tenants are counted, want 6", len(n.errors))
	}
	told := &dayOfErrors{told: now.Add(50 * time.Hour)}
	n.errors["told"] = told
	n.forgetErrors(now.Add(60 * time.Hour))
	if len(n.errors) != 1 || n.errors["told"] != told {
		t.Errorf("%d tenants are counted, want the one that was told of within a day", len(n.errors))
	}
}
