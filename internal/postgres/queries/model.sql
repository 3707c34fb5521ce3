-- name: InsertModelVersion :one
insert into bartizan.model_version (system_id, number, cause, analysis_id, digest, base, content, created_by)
values (@system_id, @number, @cause, @analysis_id, @digest, @base, @content, @created_by)
returning *;

-- name: ModelVersionSinceWhole :many
-- A version and those before it, back to one that is stored whole.
select v.* from bartizan.model_version v
where v.system_id = @system_id and v.number <= @number
    and v.number >= (select coalesce(w.base, w.number) from bartizan.model_version w where w.system_id = @system_id and w.number = @number)
order by v.number;

-- name: ModelVersions :many
select system_id, number, cause, analysis_id, digest, created_at, created_by
from bartizan.model_version
where system_id = @system_id and number < @before::bigint
order by number desc
limit @max_rows;

-- name: ThreatRow :one
select system_id, id, version, updated_at, element, content from bartizan.threat where system_id = @system_id and id = @id;

-- name: PutThreat :batchexec
-- The version counts changes of content.
insert into bartizan.threat (system_id, id, title, statement, element, stride, cwe, controls, verdicts, risk, risk_rank, likelihood, impact,
    status, open, review_due, review_cause, source, owner, due, until, content)
values (@system_id, @id, @title, @statement, @element, @stride, @cwe, @controls, @verdicts, @risk, @risk_rank, @likelihood, @impact,
    @status, @open, @review_due, @review_cause, @source, @owner, @due, @until, @content)
on conflict (organization_id, system_id, id) do update
set title = excluded.title, statement = excluded.statement, element = excluded.element, stride = excluded.stride, cwe = excluded.cwe,
    controls = excluded.controls, verdicts = excluded.verdicts, risk = excluded.risk, risk_rank = excluded.risk_rank,
    likelihood = excluded.likelihood, impact = excluded.impact, status = excluded.status, open = excluded.open,
    review_due = excluded.review_due, review_cause = excluded.review_cause, source = excluded.source, owner = excluded.owner,
    due = excluded.due, until = excluded.until, content = excluded.content, version = threat.version + 1, updated_at = now()
where threat.content is distinct from excluded.content or threat.element is distinct from excluded.element;

-- name: DeleteThreatsBut :exec
delete from bartizan.threat where system_id = @system_id and not id = any (@kept::text[]);

-- name: InsertDecision :exec
insert into bartizan.decision (id, system_id, threat_id, action, at, by, member_id, content, details)
values (@id, @system_id, @threat_id, @action, @at, @by, @member_id, @content, @details);

-- name: DecisionsOfSystem :many
select content from bartizan.decision where system_id = $1 order by at, id;

-- name: DecisionsOfThreat :many
select content from bartizan.decision where system_id = @system_id and threat_id = @threat_id order by at, id;

-- name: InsertAnswer :one
insert into bartizan.answer (id, system_id, question_id, question, answer, by)
values (@id, @system_id, @question_id, @question, @answer, @by)
returning *;

-- name: NewestAnswers :many
select distinct on (question_id) * from bartizan.answer where system_id = $1 order by question_id, at desc, id desc;

-- name: Answers :many
select * from bartizan.answer where system_id = @system_id and id < @before::uuid order by id desc limit @max_rows;

-- name: SystemsWithEndedAcceptances :many
-- Under the owner: acceptances that ended and still count.
select distinct organization_id, system_id from bartizan.threat
where until < @now::timestamptz and status = 'accepted' and review_cause <> 'time'
limit 100;
