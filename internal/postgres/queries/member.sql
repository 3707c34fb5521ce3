-- name: InsertMember :one
insert into bartizan.member (id, name, email, role) values (@id, @name, @email, @role) returning *;

-- name: Member :one
select * from bartizan.member where id = $1 and removed_at is null;

-- name: Members :many
select * from bartizan.member
where removed_at is null and (lower(name), id) > (@after_name::text, @after_id::uuid)
order by lower(name), id
limit @max_rows;

-- name: UpdateMember :one
-- No row where version is not the one given.
update bartizan.member set name = @name, role = @role, version = version + 1
where id = @id and removed_at is null and version = @version
returning *;

-- name: RemoveMember :execrows
update bartizan.member set removed_at = now(), version = version + 1 where id = $1 and removed_at is null;

-- name: RevokeTokensOfMember :execrows
update bartizan.token set revoked_at = now() where member_id = @member_id::uuid and revoked_at is null;
