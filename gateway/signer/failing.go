package signer

import (
	"sync"
	"sync/atomic"
)

// signedFor is what a failure is told of once, until it is over.
type signedFor struct{ policy, subscription string }

// maxUnsignable bounds what is remembered of failures; a policy has one, and each subscription.
const maxUnsignable = 10_000

// unsignable are the policies and subscriptions that could not be signed for when they were asked to last, and why. Where there
// are too many, one of them is forgotten: it is told of again when it fails next.
type unsignable struct {
	any   atomic.Bool // of every attempt only this is looked at while all is well
	mu    sync.Mutex
	cause map[signedFor]string
}

// add notes a failure, and reports whether it was known.
func (u *unsignable) add(of signedFor, cause string) (known bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cause == nil {
		u.cause = map[signedFor]string{}
	}
	if _, known = u.cause[of]; !known && len(u.cause) >= maxUnsignable {
		for other := range u.cause {
			delete(u.cause, other)
			break
		}
	}
	u.cause[of] = cause
	u.any.Store(true)
	return known
}

func (u *unsignable) why(of signedFor) (cause string, failed bool) {
	if !u.any.Load() {
		return "", false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	cause, failed = u.cause[of]
	return cause, failed
}

// remove notes that signing works, and reports whether it did not.
func (u *unsignable) remove(of signedFor) (failed bool) {
	if !u.any.Load() {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	_, failed = u.cause[of]
	delete(u.cause, of)
	u.any.Store(len(u.cause) > 0)
	return failed
}
