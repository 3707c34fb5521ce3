-- name: InsertSystem :one
insert into bartizan.system (id, name, owner, criticality, classification, context, labels, catalogs, analyst)
values (@id, @name, @owner, @criticality, @classification, @context, @labels, @catalogs, @analyst)
returning *;

-- name: System :one
select * from bartizan.system where id = $1 and purged_at is null;

-- name: SystemForUpdate :one
-- Held while its model changes: an analysis that ends and a decision that is
-- taken wait for each other.
select * from bartizan.system where id = $1 and purged_at is null for update;

-- name: Systems :many
-- A null only stands for all.
select * from bartizan.system
where purged_at is null
  and (archived_at is not null) = @archived::bool
  and (@label::text = '' or @label::text = any (labels))
  and (@pattern::text = '' or name ilike @pattern::text)
  and (sqlc.narg('only')::uuid is null or id = sqlc.narg('only')::uuid)
  and (lower(name), id) > (@after_name::text, @after_id::uuid)
order by lower(name), id
limit @max_rows;

-- name: UpdateSystem :one
update bartizan.system
set name = @name, owner = @owner, criticality = @criticality, classification = @classification, context = @context, labels = @labels,
    catalogs = @catalogs, analyst = @analyst, archived_at = @archived_at, version = version + 1, updated_at = now()
where id = @id
returning *;

-- name: SetCurrentModel :exec
update bartizan.system set current_version = @number, questions = @questions, updated_at = now() where id = @id;

-- name: SystemSummaries :many
-- Counts of the threats of systems, and the state of each one's newest analysis.
select s.id, coalesce(t.open, 0)::int as open, coalesce(t.review_due, 0)::int as review_due,
    coalesce(t.low, 0)::int as low, coalesce(t.medium, 0)::int as medium, coalesce(t.high, 0)::int as high, coalesce(t.critical, 0)::int as critical,
    coalesce(a.state, '')::text as analysis_state
from bartizan.system s
left join lateral (
    select count(*) filter (where open) as open, count(*) filter (where review_due) as review_due,
        count(*) filter (where open and risk = 'low') as low, count(*) filter (where open and risk = 'medium') as medium,
        count(*) filter (where open and risk = 'high') as high, count(*) filter (where open and risk = 'critical') as critical
    from bartizan.threat where threat.organization_id = s.organization_id and threat.system_id = s.id
) t on true
left join lateral (
    select st.state from bartizan.analysis an
    join bartizan.analysis_state st on st.organization_id = an.organization_id and st.analysis_id = an.id
    where an.organization_id = s.organization_id and an.system_id = s.id
    order by an.requested_at desc, an.id desc
    limit 1
) a on true
where s.id = any (@ids::uuid[]);

-- name: SystemsOfCatalog :many
select name from bartizan.system where @catalog::text = any (catalogs) and purged_at is null order by lower(name) limit 5;

-- name: ArchivedBefore :many
-- Under the owner: systems that were archived so long ago that the retention of
-- their organization has ended.
select s.organization_id, s.id
from bartizan.system s
join bartizan.organization o using (organization_id)
where (o.settings ->> 'retention_days')::int > 0 and s.purged_at is null
  and s.archived_at < now() - (o.settings ->> 'retention_days')::int * interval '1 day'
limit 100;
