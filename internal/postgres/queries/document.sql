-- name: InsertDocument :one
insert into bartizan.document (id, system_id, reference, name) values (@id, @system_id, @reference, @name) returning *;

-- name: Document :one
select * from bartizan.document where id = $1 and purged_at is null;

-- name: DocumentByReference :one
-- Locked, so that revisions of one document are numbered one after another.
select * from bartizan.document
where system_id = @system_id and reference = @reference and removed_at is null and purged_at is null
for update;

-- name: Documents :many
select * from bartizan.document
where system_id = @system_id and removed_at is null and purged_at is null and (reference, id) > (@after_reference::text, @after_id::uuid)
order by reference, id
limit @max_rows;

-- name: RenameDocument :one
update bartizan.document set name = @name, version = version + 1 where id = @id returning *;

-- name: RemoveDocument :execrows
update bartizan.document set removed_at = now(), version = version + 1
where id = @id and removed_at is null and (@version::bigint = 0 or version = @version::bigint);

-- name: InsertRevision :one
insert into bartizan.revision (id, document_id, number, name, media_type, sha256, size, created_by)
values (@id, @document_id, @number, @name, @media_type, @sha256, @size, @created_by)
returning *;

-- name: NewestRevisions :many
-- The newest revision of each document, with its state of reading.
select distinct on (r.document_id) sqlc.embed(r), sqlc.embed(i)
from bartizan.revision r
join bartizan.ingestion i on i.organization_id = r.organization_id and i.revision_id = r.id
where r.document_id = any (@documents::uuid[])
order by r.document_id, r.number desc;

-- name: Revisions :many
select sqlc.embed(r), sqlc.embed(i)
from bartizan.revision r
join bartizan.ingestion i on i.organization_id = r.organization_id and i.revision_id = r.id
where r.document_id = @document_id and r.number < @before::int
order by r.number desc
limit @max_rows;

-- name: Revision :one
select sqlc.embed(r), sqlc.embed(i), sqlc.embed(d)
from bartizan.revision r
join bartizan.ingestion i on i.organization_id = r.organization_id and i.revision_id = r.id
join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
where r.id = $1 and d.purged_at is null;

-- name: InsertIngestion :exec
insert into bartizan.ingestion (revision_id) values ($1);

-- name: SetIngestion :exec
update bartizan.ingestion set state = @state, reader = @reader, error = @error, updated_at = now() where revision_id = @revision_id;

-- name: PendingIngestions :one
-- How many documents of a system are yet to be read, going by the newest
-- revision of each.
select count(*) from bartizan.ingestion i
join bartizan.revision r on r.organization_id = i.organization_id and r.id = i.revision_id
join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
where i.state in ('queued', 'reading') and d.system_id = $1 and d.removed_at is null and d.purged_at is null
and not exists (select from bartizan.revision n where n.organization_id = r.organization_id and n.document_id = r.document_id and n.number > r.number);

-- name: AnythingToRead :one
-- Whether PendingIngestions is more than 0, which is sooner known than how much.
select exists (select from bartizan.ingestion i
join bartizan.revision r on r.organization_id = i.organization_id and r.id = i.revision_id
join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
where i.state in ('queued', 'reading') and d.system_id = $1 and d.removed_at is null and d.purged_at is null
and not exists (select from bartizan.revision n where n.organization_id = r.organization_id and n.document_id = r.document_id and n.number > r.number));

-- name: FailedIngestions :many
-- The documents of a system whose newest revision could not be read.
select d.reference, d.name, i.error
from bartizan.document d
join lateral (
    select r.id from bartizan.revision r where r.organization_id = d.organization_id and r.document_id = d.id order by r.number desc limit 1
) r on true
join bartizan.ingestion i on i.organization_id = d.organization_id and i.revision_id = r.id
where d.system_id = $1 and d.removed_at is null and d.purged_at is null and i.error <> ''
order by d.reference;

-- name: CurrentSources :many
-- What was read from the newest revision of each document that could be read,
-- in the order in which the command line reads a folder: by name.
select s.id, s.revision_id, s.position, s.name, s.title, s.sha256, s.content, d.id as document_id, d.reference
from bartizan.document d
join lateral (
    select r.id
    from bartizan.revision r
    join bartizan.ingestion i on i.organization_id = r.organization_id and i.revision_id = r.id
    where r.organization_id = d.organization_id and r.document_id = d.id and i.state = 'read'
    order by r.number desc
    limit 1
) r on true
join bartizan.source s on s.organization_id = d.organization_id and s.revision_id = r.id
where d.system_id = $1 and d.removed_at is null and d.purged_at is null
order by d.reference collate "C", d.id, s.position;

-- name: InsertSource :exec
insert into bartizan.source (id, revision_id, position, name, title, sha256, content)
values (@id, @revision_id, @position, @name, @title, @sha256, @content);

-- name: SourcesOfRevision :many
select id, position, name, title, sha256 from bartizan.source where revision_id = $1 order by position;

-- name: Source :one
select s.*, d.id as document_id, d.system_id
from bartizan.source s
join bartizan.revision r on r.organization_id = s.organization_id and r.id = s.revision_id
join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
where s.id = $1 and d.purged_at is null;

-- name: SourcesByHash :many
-- What was read of documents by the hash of their bytes, for the texts of an
-- earlier version of the model.
select distinct on (s.sha256, s.name) s.sha256, s.name, s.content
from bartizan.source s
join bartizan.revision r on r.organization_id = s.organization_id and r.id = s.revision_id
join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
where d.system_id = @system_id and s.sha256 = any (@hashes::text[])
order by s.sha256, s.name, s.created_at desc;

-- name: RemovedBefore :many
-- Under the owner: documents that were removed so long ago that the retention of
-- their organization has ended.
select d.organization_id, d.id
from bartizan.document d
join bartizan.organization o using (organization_id)
join bartizan.system s on s.organization_id = d.organization_id and s.id = d.system_id and s.purged_at is null
where (o.settings ->> 'retention_days')::int > 0 and d.purged_at is null
  and d.removed_at < now() - (o.settings ->> 'retention_days')::int * interval '1 day'
limit 100;

-- name: HoldDocument :one
-- What is written of a document is written before it is purged, or not at all.
select id from bartizan.document where id = $1 and purged_at is null for share;

-- name: DocumentsOfSystem :many
-- All that it ever had.
select id from bartizan.document where system_id = $1;
