-- name: InsertBatch :one
insert into bartizan.batch (id, selector, fresh, start, cause, created_by)
values (@id, @selector, @fresh, @start, @cause, @created_by)
returning *;

-- name: Batch :one
select * from bartizan.batch where id = $1;

-- name: BatchForUpdate :one
select * from bartizan.batch where id = $1 for update;

-- name: Batches :many
select * from bartizan.batch where id < @before::uuid order by id desc limit @max_rows;

-- name: SetBatch :one
update bartizan.batch
set state = @state::text, message = @message, estimate = coalesce(sqlc.narg('estimate')::jsonb, estimate), start = start or @start::bool,
    started_at = case when @state::text = 'running' then coalesce(started_at, now()) else started_at end,
    finished_at = case when @state::text in ('done', 'cancelled', 'failed') then coalesce(finished_at, now()) end
where id = @id
returning *;

-- name: BatchCounts :many
select batch_id, count(*)::int as total,
    (count(*) filter (where state in ('done', 'incomplete', 'failed', 'cancelled', 'skipped')))::int as done,
    (count(*) filter (where state = 'failed'))::int as failed,
    (count(*) filter (where state = 'incomplete'))::int as incomplete
from bartizan.batch_item where batch_id = any (@batches::uuid[]) group by batch_id;

-- name: InsertBatchItem :exec
insert into bartizan.batch_item (batch_id, system_id) values (@batch_id, @system_id) on conflict do nothing;

-- name: BatchItems :many
select sqlc.embed(i), s.name
from bartizan.batch_item i
join bartizan.system s on s.organization_id = i.organization_id and s.id = i.system_id
where i.batch_id = @batch_id and (lower(s.name), s.id) > (@after_name::text, @after_id::uuid)
order by lower(s.name), s.id
limit @max_rows;

-- name: BatchItemsToPlan :many
select system_id from bartizan.batch_item where batch_id = @batch_id and state = 'planned' and estimate is null order by system_id limit @max_rows;

-- name: BatchItemsToStart :many
select system_id from bartizan.batch_item where batch_id = @batch_id and state = 'planned' order by system_id limit @max_rows for update;

-- name: BatchItemsUnderWay :one
select count(*) from bartizan.batch_item where batch_id = $1 and state = 'queued';

-- name: BatchEstimates :many
select estimate from bartizan.batch_item where batch_id = $1 and estimate is not null;

-- name: SetBatchItemEstimate :exec
update bartizan.batch_item set estimate = @estimate, state = @state, message = @message where batch_id = @batch_id and system_id = @system_id and state = 'planned';

-- name: QueueBatchItem :exec
update bartizan.batch_item set state = 'queued', analysis_id = @analysis_id where batch_id = @batch_id and system_id = @system_id;

-- name: SkipBatchItem :exec
update bartizan.batch_item set state = @state, message = @message where batch_id = @batch_id and system_id = @system_id;

-- name: MoveBatchItems :exec
-- Another analysis took the place of one that had not begun.
update bartizan.batch_item set analysis_id = @now::uuid where analysis_id = @before::uuid and state = 'queued';

-- name: FinishBatchItems :many
-- The batches that wait for an analysis.
update bartizan.batch_item set state = @state, message = @message, changes = @changes
where analysis_id = @analysis_id::uuid and state = 'queued'
returning batch_id;

-- name: TellBatchItems :many
-- The items that ended since the last time.
update bartizan.batch_item i set told = true
from bartizan.system s
where i.batch_id = @batch_id and not i.told and i.state in ('done', 'incomplete', 'failed', 'cancelled', 'skipped')
    and s.organization_id = i.organization_id and s.id = i.system_id
returning sqlc.embed(i), s.name;

-- name: CancelBatchItems :many
-- Nobody is told of each: the event that says that the batch is cancelled says it
-- of all that were open.
update bartizan.batch_item set state = 'cancelled', told = true where batch_id = $1 and state in ('planned', 'queued') returning analysis_id;

-- name: SelectSystems :many
-- The systems of a selector, but for what the model itself must say.
select id, current_version from bartizan.system
where purged_at is null and archived_at is null
  and (cardinality(@ids::uuid[]) = 0 or id = any (@ids::uuid[]))
  and (cardinality(@labels::text[]) = 0 or labels && @labels::text[])
  and (@catalog::text = '' or @catalog::text = any (catalogs))
order by id;
