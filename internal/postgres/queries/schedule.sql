-- name: InsertSchedule :one
insert into bartizan.schedule (id, name, cron, selector, enabled, next_at, created_by)
values (@id, @name, @cron, @selector, @enabled, @next_at, @created_by)
returning *;

-- name: Schedule :one
select * from bartizan.schedule where id = $1;

-- name: Schedules :many
select * from bartizan.schedule where (lower(name), id) > (@after_name::text, @after_id::uuid) order by lower(name), id limit @max_rows;

-- name: UpdateSchedule :one
update bartizan.schedule set name = @name, cron = @cron, selector = @selector, enabled = @enabled, next_at = @next_at, version = version + 1
where id = @id and version = @version
returning *;

-- name: DeleteSchedule :execrows
delete from bartizan.schedule where id = $1;

-- name: DueSchedules :many
-- Under the owner.
select organization_id, id from bartizan.schedule where enabled and next_at <= @now::timestamptz order by next_at limit 100;

-- name: ScheduleForUpdate :one
-- No row where another process is at it.
select * from bartizan.schedule where id = $1 for update skip locked;

-- name: MoveSchedule :exec
update bartizan.schedule set next_at = @next_at, last_batch = coalesce(sqlc.narg('last_batch')::uuid, last_batch) where id = @id;
