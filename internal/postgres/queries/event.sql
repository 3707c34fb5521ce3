-- name: InsertEvent :one
insert into bartizan.event (subject, kind, data) values (@subject, @kind, @data) returning id, at;

-- name: EventsAfter :many
-- Events of one subject are written one after another, so none comes before
-- one that was seen.
select id, at, kind, data from bartizan.event
where subject = @subject and id > @after
order by id
limit @max_rows;
