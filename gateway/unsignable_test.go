package gateway

import (
	"fmt"
	"testing"
	"time"
)

func TestWhatCannotBeSignedIsRememberedUpToABound(t *testing.T) {
	var u unsignable
	of := func(i int) signedFor { return signedFor{"p", fmt.Sprint(i)} }
	for i := range maxUnsignable + 100 {
		if u.add(of(i), "why") {
			t.Fatalf("%d was known", i)
		}
	}
	if len(u.cause) != maxUnsignable {
		t.Errorf("%d are remembered, want %d", len(u.cause), maxUnsignable)
	}
	last := of(maxUnsignable + 99)
	if why, failed := u.why(last); !failed || why != "why" || !u.add(last, "because") {
		t.Errorf("the latest failed %v for %q", failed, why)
	}
	if !u.remove(last) || u.remove(last) {
		t.Error("it is mended once")
	}
}

func TestErrorsAreCountedOfABoundedNumberOfTenantsAndForgottenAfterADay(t *testing.T) {
	n := &notices{errors: map[string]*dayOfErrors{}}
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
