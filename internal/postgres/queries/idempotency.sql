-- name: ClaimRequest :one
-- Takes a key that nobody has, or whose first request never ended. Otherwise
-- it gives no row.
insert into bartizan.idempotency (token_id, key, request) values (@token_id, @key, @request)
on conflict (organization_id, token_id, key) do update
    set request = excluded.request, created_at = now()
    where idempotency.status = 0 and idempotency.created_at < now() - interval '10 minutes'
returning key;

-- name: RememberedRequest :one
select * from bartizan.idempotency where token_id = @token_id and key = @key;

-- name: RememberAnswer :execrows
update bartizan.idempotency set request = @request, status = @status, header = @header, body = @body
where token_id = @token_id and key = @key and status = 0;

-- name: ForgetRequest :exec
delete from bartizan.idempotency where token_id = @token_id and key = @key and status = 0;
