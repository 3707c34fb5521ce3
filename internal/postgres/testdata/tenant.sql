-- One row of an organization in every table: TestNothingCrossesTenants asks for
-- it. {org} and {id} are keys; the organization is there already, and the
-- transaction's tenant.
insert into bartizan.member (id, name, email, role) values ('{id}', 'Ada', 'ada@example.com', 'admin');
insert into bartizan.system (id, name) values ('{id}', 'Portal');
insert into bartizan.token (id, member_id, system_id, name, hash, hint, scopes, created_by)
    values ('{id}', '{id}', '{id}', 'ci', sha256('{id}'), 'abcd', '{read}', 'Ada');
insert into bartizan.document (id, system_id, reference, name) values ('{id}', '{id}', 'design.md', 'design.md');
insert into bartizan.original (sha256, size, pieces) values (sha256('x'), 1, 1);
insert into bartizan.original_piece (sha256, number, content) values (sha256('x'), 0, 'x');
insert into bartizan.revision (id, document_id, number, name, sha256, size, created_by) values ('{id}', '{id}', 1, 'design.md', sha256('x'), 1, 'Ada');
insert into bartizan.ingestion (revision_id, state) values ('{id}', 'read');
insert into bartizan.source (id, revision_id, position, name, sha256, content) values ('{id}', '{id}', 0, 'design.md', '', '');
insert into bartizan.passage (system_id, hash, text, current) values ('{id}', sha256('x'), 'secret words of {org}', true);
insert into bartizan.occurrence (source_id, position, system_id, passage, passage_id, locator)
    select '{id}', 0, '{id}', id, 'p-1', '{}' from bartizan.passage where organization_id = '{org}';
insert into bartizan.embedding_model (id, name, dimensions) values (1, 'test', 3);
insert into bartizan.vector (system_id, model, passage, current, embedding)
    select '{id}', 1, id, true, '[1,2,3]' from bartizan.passage where organization_id = '{org}';
insert into bartizan.analysis (id, system_id, cause, requested_by) values ('{id}', '{id}', 'request', 'Ada');
insert into bartizan.analysis_state (analysis_id) values ('{id}');
insert into bartizan.work (system_id, requested) values ('{id}', 1);
insert into bartizan.model_version (system_id, number, cause, digest, content, created_by) values ('{id}', 1, 'analysis', sha256('x'), '', 'Ada');
insert into bartizan.threat (system_id, id, title, statement, risk, risk_rank, likelihood, impact, status, open, review_due, source, content)
    values ('{id}', 'T-1', 'secret words of {org}', '', 'high', 2, 3, 4, 'open', true, false, 'model', '{}');
insert into bartizan.decision (id, system_id, threat_id, action, at, by, content) values ('{id}', '{id}', 'T-1', 'confirm', now(), 'Ada', '{}');
insert into bartizan.answer (id, system_id, question_id, question, answer, by) values ('{id}', '{id}', 'Q-1', 'Who?', 'Ada', 'Ada');
insert into bartizan.event (subject, kind, data) values ('{id}', 'state', '{}');
insert into bartizan.backlog (kind, subject) values ('analyse', '{id}');
insert into bartizan.batch (id, selector, created_by) values ('{id}', '{}', 'Ada');
insert into bartizan.batch_item (batch_id, system_id) values ('{id}', '{id}');
insert into bartizan.schedule (id, name, cron, selector, created_by) values ('{id}', 'nightly', '0 3 * * *', '{}', 'Ada');
insert into bartizan.memo (call_hash, stage, model, mode, tokens_in, tokens_out, answer) values ('x', 'elicit', 'm', 'strict', 1, 1, 'x');
insert into bartizan.memo_use (call_hash, system_id) values ('x', '{id}');
insert into bartizan.memo_fault (system_id, call_hash, kind, raw) values ('{id}', 'x', 'invalid', 'x');
insert into bartizan.memo_claim (call_hash, holder, until) values ('x', 'worker', now());
insert into bartizan.memo_mode (endpoint, mode, reason, at) values ('x', 'strict', '', now());
insert into bartizan.slot (id, endpoint, holder, until, tokens, cost) values ('{id}', 'x', 'worker', now(), 1, 0);
insert into bartizan.pace (level) values (1);
insert into bartizan.spending (month) values ('2026-11-01');
insert into bartizan.usage (month, system_id, endpoint, model, stage) values ('2026-11-01', '{id}', 'x', 'm', 'elicit');
insert into bartizan.webhook (id, url, secret, events, created_by) values ('{id}', 'https://example.com', 'x', '{analysis.done}', 'Ada');
insert into bartizan.delivery (id, webhook_id, event, body) values ('{id}', '{id}', 'analysis.done', '{}');
insert into bartizan.idempotency (token_id, key, request) values ('{id}', 'x', 'x');
insert into bartizan.catalog (id, title, version, content, created_by) values ('own', 'Own', '1', '', 'Ada');
insert into bartizan.audit_event (sequence, at, actor, action, object, digest, details, previous, hash)
    values (1, now(), 'Ada', 'system.create', '{id}', sha256('{}'), '{}', '', sha256('x'));
insert into bartizan.audit_head (sequence, hash) values (1, sha256('x'));
insert into bartizan.checkpoint (sequence, hash, key_id, signature) values (1, sha256('x'), 'k', 'x');
