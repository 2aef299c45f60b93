package front

import (
	"errors"
	"fmt"
)

// Errors of those that Settings names, of which clients are told.
var (
	// ErrStopping: the gateway is shutting down; nothing was changed.
	ErrStopping = errors.New("the gateway is shutting down")
	// ErrUnsaved: a change is in effect, but not known to be durable.
	ErrUnsaved = errors.New("in effect, but not on disk yet")
)

// TooManyHeldError says that no more may be held before some are resumed.
type TooManyHeldError struct {
	What string // flows or hosts
	Most int
}

// Error says which bound it is.
func (e *TooManyHeldError) Error() string {
	return fmt.Sprintf("%d %s are held, the most there may be", e.Most, e.What)
}
