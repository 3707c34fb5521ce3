package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
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

// PlanBatch estimates a batch and, where that was asked for, starts it.
func (s *Service) PlanBatch(ctx context.Context, organization, batch uuid.UUID) error {
	return errNotBuilt
}

// StepBatch asks for the next analyses of a batch that runs and ends it when all
// are done. It is called again whenever an analysis of the batch ends.
func (s *Service) StepBatch(ctx context.Context, organization, batch uuid.UUID) error {
	return errNotBuilt
}

// Housekeep does what time asks for, for all organizations: acceptances that
// ended, schedules that are due, retention, and rows that nobody needs any more.
// It may run on several workers at once.
func (s *Service) Housekeep(ctx context.Context) error {
	return errNotBuilt
}
