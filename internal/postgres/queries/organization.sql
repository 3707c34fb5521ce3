-- name: CreateOrganization :one
-- Under the owner.
insert into bartizan.organization (organization_id, name, title, settings)
values (@id, @name, @title, @settings)
returning *;

-- name: Organization :one
select * from bartizan.organization where organization_id = bartizan.current_organization();

-- name: OrganizationByName :one
-- Under the owner.
select * from bartizan.organization where name = $1;

-- name: Organizations :many
-- Under the owner.
select * from bartizan.organization order by name;

-- name: UpdateOrganization :one
-- No row where version is not the one given.
update bartizan.organization
set title = @title, settings = @settings, version = version + 1
where organization_id = bartizan.current_organization() and version = @version
returning *;
