-- name: InsertWebhook :one
insert into bartizan.webhook (id, url, secret, key_id, events, enabled, created_by)
values (@id, @url, @secret, @key_id, @events, @enabled, @created_by)
returning *;

-- name: Webhook :one
select * from bartizan.webhook where id = $1;

-- name: Webhooks :many
select * from bartizan.webhook where id < @before::uuid order by id desc limit @max_rows;

-- name: UpdateWebhook :one
update bartizan.webhook set url = @url, events = @events, enabled = @enabled, version = version + 1
where id = @id and version = @version
returning *;

-- name: DeleteWebhook :execrows
delete from bartizan.webhook where id = $1;

-- name: WebhooksFor :many
select id from bartizan.webhook where enabled and (@event::text = any (events) or '*' = any (events)) order by id;

-- name: InsertDelivery :one
insert into bartizan.delivery (id, webhook_id, event, body, next_at) values (@id, @webhook_id, @event, @body, now()) returning *;

-- name: Delivery :one
select sqlc.embed(d), sqlc.embed(w)
from bartizan.delivery d
join bartizan.webhook w on w.organization_id = d.organization_id and w.id = d.webhook_id
where d.id = $1;

-- name: Deliveries :many
select * from bartizan.delivery where webhook_id = @webhook_id and id < @before::uuid order by id desc limit @max_rows;

-- name: SetDelivery :one
update bartizan.delivery
set state = @state, attempts = @attempts, status = @status, response = @response, next_at = @next_at, delivered_at = @delivered_at
where id = @id
returning *;
