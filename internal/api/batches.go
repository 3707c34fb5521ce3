package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// BatchPath leads to a batch.
type BatchPath struct {
	Batch string `path:"batch" maxLength:"40" doc:"Id of the batch"`
}

func (p BatchPath) id() (uuid.UUID, error) { return identified(identifier.Batch, "batch", p.Batch) }

// SchedulePath leads to a schedule.
type SchedulePath struct {
	Schedule string `path:"schedule" maxLength:"40" doc:"Id of the schedule"`
}

func (p SchedulePath) id() (uuid.UUID, error) {
	return identified(identifier.Schedule, "schedule", p.Schedule)
}

func scheduleVersion(v resource.Schedule) int64 { return v.Version }

// batchFinal reports whether nothing follows the state of a batch.
func batchFinal(state string) bool {
	return state == "done" || state == "cancelled" || state == "failed"
}

func (s *server) batches(api huma.API) {
	register(s, api, operation{
		id: "createBatch", method: http.MethodPost, path: "/v1/batches", tag: tagBatches, scope: resource.ScopeWrite, wide: true, status: http.StatusAccepted,
		summary: "Plan a re-analysis of many systems",
		text: "The selector says which: by id, by label, by catalog, those last analysed by another model or other prompts, or everything. " +
			"What it would cost is worked out in the background, by the code that then runs; the state becomes `planned`, and nothing is asked of a model until it is started. With `start` it goes on by itself.",
	}, func(ctx context.Context, a service.Actor, in *struct{ Body resource.NewBatch }) (*placed[resource.Batch], error) {
		v, err := s.cfg.Service.CreateBatch(ctx, a, in.Body)
		return placedOf(v, nil, "/v1/batches/"+v.ID, err)
	})
	register(s, api, operation{
		id: "listBatches", method: http.MethodGet, path: "/v1/batches", tag: tagBatches, scope: resource.ScopeRead, wide: true,
		summary: "List batches", text: "Newest first.",
	}, func(ctx context.Context, a service.Actor, in *Paging) (*answer[resource.Page[resource.Batch]], error) {
		return answerOf(s.cfg.Service.Batches(ctx, a, in.list()))
	})
	register(s, api, operation{
		id: "getBatch", method: http.MethodGet, path: "/v1/batches/{batch}", tag: tagBatches, scope: resource.ScopeRead, wide: true,
		summary: "Read a batch", text: "Its estimate, its progress and its result.",
	}, func(ctx context.Context, a service.Actor, in *BatchPath) (*answer[resource.Batch], error) {
		return onBatch(ctx, a, in, s.cfg.Service.Batch)
	})
	s.batchRun(api)
}

// batchRun is about what a batch does.
func (s *server) batchRun(api huma.API) {
	register(s, api, operation{
		id: "listBatchItems", method: http.MethodGet, path: "/v1/batches/{batch}/items", tag: tagBatches, scope: resource.ScopeRead, wide: true,
		summary: "List the systems of a batch", text: "Each with its estimate, its state, and what changed.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		BatchPath
		Paging
	},
	) (*answer[resource.Page[resource.BatchItem]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.BatchItems(ctx, a, id, in.list()))
	})
	register(s, api, operation{
		id: "startBatch", method: http.MethodPost, path: "/v1/batches/{batch}/start", tag: tagBatches, scope: resource.ScopeWrite, wide: true, status: http.StatusAccepted, problems: []int{http.StatusConflict},
		summary: "Start a planned batch",
	}, func(ctx context.Context, a service.Actor, in *BatchPath) (*answer[resource.Batch], error) {
		return onBatch(ctx, a, in, s.cfg.Service.StartBatch)
	})
	register(s, api, operation{
		id: "cancelBatch", method: http.MethodPost, path: "/v1/batches/{batch}/cancel", tag: tagBatches, scope: resource.ScopeWrite, wide: true, status: http.StatusAccepted, problems: []int{http.StatusConflict},
		summary: "Cancel a batch", text: "Systems that were analysed keep their new models; the others keep their old ones.",
	}, func(ctx context.Context, a service.Actor, in *BatchPath) (*answer[resource.Batch], error) {
		return onBatch(ctx, a, in, s.cfg.Service.CancelBatch)
	})
	register(s, api, operation{
		id: "followBatch", method: http.MethodGet, path: "/v1/batches/{batch}/events", tag: tagBatches, scope: resource.ScopeRead, wide: true,
		summary: "Follow a batch", text: aboutEvents,
	}, func(ctx context.Context, a service.Actor, in *struct {
		BatchPath
		Follow
	},
	) (*stream, error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Batch(ctx, a, id)
		if err != nil {
			return nil, err
		}
		return s.events(ctx, a, id, in.Follow, batchFinal(v.State))
	})
}

// onBatch calls a use case that wants a batch and gives it back.
func onBatch(ctx context.Context, a service.Actor, in *BatchPath, do func(context.Context, service.Actor, uuid.UUID) (resource.Batch, error)) (*answer[resource.Batch], error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return answerOf(do(ctx, a, id))
}

func (s *server) schedules(api huma.API) {
	register(s, api, operation{
		id: "listSchedules", method: http.MethodGet, path: "/v1/schedules", tag: tagBatches, scope: resource.ScopeRead, wide: true,
		summary: "List schedules",
	}, func(ctx context.Context, a service.Actor, in *Paging) (*answer[resource.Page[resource.Schedule]], error) {
		return answerOf(s.cfg.Service.Schedules(ctx, a, in.list()))
	})
	register(s, api, operation{
		id: "createSchedule", method: http.MethodPost, path: "/v1/schedules", tag: tagBatches, scope: resource.ScopeAdmin, wide: true, status: http.StatusCreated,
		summary: "Make a schedule", text: "Starts a batch by the clock: `0 3 * * 1-5`, in UTC, or `CRON_TZ=Europe/Berlin 0 3 * * 1-5`.",
	}, func(ctx context.Context, a service.Actor, in *struct{ Body resource.NewSchedule }) (*placed[resource.Schedule], error) {
		v, err := s.cfg.Service.CreateSchedule(ctx, a, in.Body)
		return placedOf(v, scheduleVersion, "/v1/schedules/"+v.ID, err)
	})
	register(s, api, operation{
		id: "getSchedule", method: http.MethodGet, path: "/v1/schedules/{schedule}", tag: tagBatches, scope: resource.ScopeRead, wide: true,
		summary: "Read a schedule",
	}, func(ctx context.Context, a service.Actor, in *SchedulePath) (*tagged[resource.Schedule], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Schedule(ctx, a, id)
		return taggedOf(v, scheduleVersion, err)
	})
	register(s, api, operation{
		id: "updateSchedule", method: http.MethodPatch, path: "/v1/schedules/{schedule}", tag: tagBatches, scope: resource.ScopeAdmin, wide: true, edits: true,
		summary: "Change a schedule",
	}, func(ctx context.Context, a service.Actor, in *struct {
		SchedulePath
		Guarded
		Body resource.ScheduleEdit
	},
	) (*tagged[resource.Schedule], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.UpdateSchedule(ctx, a, id, in.Body, in.version())
		return taggedOf(v, scheduleVersion, err)
	})
	register(s, api, operation{
		id: "deleteSchedule", method: http.MethodDelete, path: "/v1/schedules/{schedule}", tag: tagBatches, scope: resource.ScopeAdmin, wide: true,
		summary: "Delete a schedule", text: "Its batches stay.",
	}, func(ctx context.Context, a service.Actor, in *SchedulePath) (*nothing, error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.DeleteSchedule(ctx, a, id)
	})
}
