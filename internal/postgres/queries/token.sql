-- name: InsertToken :one
insert into bartizan.token (id, member_id, system_id, name, hash, hint, scopes, created_by, expires_at)
values (@id, @member_id, @system_id, @name, @hash, @hint, @scopes, @created_by, @expires_at)
returning *;

-- name: Token :one
select * from bartizan.token where id = $1;

-- name: Tokens :many
select * from bartizan.token where id < @before::uuid order by id desc limit @max_rows;

-- name: RevokeToken :execrows
update bartizan.token set revoked_at = now() where id = $1 and revoked_at is null;
