-- name: Catalogs :many
select * from bartizan.catalog order by id;

-- name: CatalogVersions :many
-- Of one catalog, or of all where the id is empty. Without their content, which
-- may be long.
select id, version from bartizan.catalog where @id::text = '' or id = @id order by id;

-- name: Catalog :one
select * from bartizan.catalog where id = $1;

-- name: InsertCatalog :one
insert into bartizan.catalog (id, title, version, content, created_by)
values (@id, @title, @version, @content, @created_by)
on conflict do nothing
returning *;

-- name: UpdateCatalog :one
-- No row where revision is not the one given.
update bartizan.catalog set title = @title, version = @version, content = @content, revision = revision + 1
where id = @id and revision = @revision
returning *;

-- name: DeleteCatalog :execrows
delete from bartizan.catalog where id = $1;
