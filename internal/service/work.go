package service

import (
	"errors"
	"time"
)

// What jobs call, as the service itself.

// ErrLeaseLost is the cause with which the context of work ends when its lease
// was lost: somebody else does it now.
var ErrLeaseLost = errors.New("the lease was lost")

// Later says that work is not done and when to try again.
type Later struct {
	After time.Duration
	// Reason is for the log.
	Reason string
}

// Error implements error.
func (l *Later) Error() string { return "later: " + l.Reason }
