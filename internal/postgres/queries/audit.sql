-- name: AuditEvents :many
select * from bartizan.audit_event
where (@object::text = '' or object = @object::text) and sequence < @before::bigint
order by sequence desc
limit @max_rows;
