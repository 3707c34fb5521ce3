package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Schedules lists schedules by name. Scope read, of the whole organization.
func (s *Service) Schedules(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Schedule], error) {
	return resource.Page[resource.Schedule]{}, errNotBuilt
}

// Schedule is one schedule. Scope read, of the whole organization.
func (s *Service) Schedule(ctx context.Context, a Actor, id uuid.UUID) (resource.Schedule, error) {
	return resource.Schedule{}, errNotBuilt
}

// CreateSchedule makes a schedule. Scope admin.
func (s *Service) CreateSchedule(ctx context.Context, a Actor, in resource.NewSchedule) (resource.Schedule, error) {
	return resource.Schedule{}, errNotBuilt
}

// UpdateSchedule changes a schedule. Scope admin.
func (s *Service) UpdateSchedule(ctx context.Context, a Actor, id uuid.UUID, edit resource.ScheduleEdit, ifMatch int64) (resource.Schedule, error) {
	return resource.Schedule{}, errNotBuilt
}

// DeleteSchedule removes a schedule; its batches stay. Scope admin.
func (s *Service) DeleteSchedule(ctx context.Context, a Actor, id uuid.UUID) error {
	return errNotBuilt
}
