-- name: InsertAnalysis :one
insert into bartizan.analysis (id, system_id, cause, batch_id, fresh, requested_by)
values (@id, @system_id, @cause, @batch_id, @fresh, @requested_by)
returning *;

-- name: InsertAnalysisState :one
insert into bartizan.analysis_state (analysis_id) values ($1) returning *;

-- name: Analysis :one
select sqlc.embed(a), sqlc.embed(s)
from bartizan.analysis a
join bartizan.analysis_state s on s.organization_id = a.organization_id and s.analysis_id = a.id
where a.id = $1;

-- name: Analyses :many
select sqlc.embed(a), sqlc.embed(s)
from bartizan.analysis a
join bartizan.analysis_state s on s.organization_id = a.organization_id and s.analysis_id = a.id
where a.system_id = @system_id and a.id < @before::uuid
order by a.id desc
limit @max_rows;

-- name: WorkForUpdate :one
select * from bartizan.work where system_id = $1 for update;

-- name: EnsureWork :exec
insert into bartizan.work (system_id) values ($1) on conflict do nothing;

-- name: RequestWork :exec
update bartizan.work set requested = requested + 1, next_analysis = @next_analysis where system_id = @system_id;

-- name: BeginWork :exec
-- The round takes what is requested.
update bartizan.work set analysis = @analysis, next_analysis = @next_analysis, generation = @generation where system_id = @system_id;

-- name: EndWork :exec
update bartizan.work set done = greatest(done, @done::bigint), analysis = null, not_before = null where system_id = @system_id;

-- name: DropNextWork :exec
-- Nobody wants the next round any more: as if it had not been requested.
update bartizan.work
set next_analysis = null, requested = case when analysis is null then done else greatest(done, generation) end
where system_id = $1;

-- name: SupersedeAnalysis :exec
update bartizan.analysis_state set state = 'superseded', message = @message, finished_at = now(), updated_at = now()
where analysis_id = @analysis_id and state in ('queued', 'waiting');

-- name: StartAnalysis :exec
update bartizan.analysis_state
set state = 'running', message = '', attempts = attempts + 1, started_at = coalesce(started_at, now()), updated_at = now()
where analysis_id = $1;

-- name: SetProgress :one
-- Calls, tokens and cost are added: those of an attempt before count too.
-- Whether it was asked to stop comes back. One that has ended stays as it is:
-- whoever lost the lease may still be telling how far it came.
update bartizan.analysis_state
set state = @state, message = @message, stage = @stage, done = @done, total = @total, calls = calls + @calls::int,
    tokens_in = tokens_in + @tokens_in::bigint, tokens_out = tokens_out + @tokens_out::bigint, cost = cost + @cost::float8, currency = @currency,
    updated_at = now()
where analysis_id = @analysis_id and state in ('queued', 'running', 'waiting')
returning *;

-- name: FinishAnalysis :one
update bartizan.analysis_state
set state = @state, message = @message, model_version = @model_version, changes = @changes, review = @review, calls = calls + @calls::int,
    tokens_in = tokens_in + @tokens_in::bigint, tokens_out = tokens_out + @tokens_out::bigint, cost = cost + @cost::float8, currency = @currency,
    finished_at = now(), updated_at = now()
where analysis_id = @analysis_id
returning *;

-- name: AskToCancel :exec
update bartizan.analysis_state set cancel = true, updated_at = now() where analysis_id = $1;

-- name: OpenAnalysesOfSystem :many
select s.analysis_id
from bartizan.analysis_state s
join bartizan.analysis a on a.organization_id = s.organization_id and a.id = s.analysis_id
where a.system_id = $1 and s.state in ('queued', 'running', 'waiting');
