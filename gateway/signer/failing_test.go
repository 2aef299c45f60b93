package signer

import (
	"fmt"
	"testing"
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
