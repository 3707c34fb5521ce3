-- Analyses and their results, what people decided, and the state of work.

-- +goose Up

-- A request to analyse a system: what was asked, by whom, why. Append-only;
-- how far it has come stands in analysis_state.
create table bartizan.analysis (
    organization_id uuid not null,
    id              uuid not null,
    system_id       uuid not null,
    -- upload, request, batch, schedule, context, catalog, import
    cause           text not null,
    batch_id        uuid,
    fresh           boolean not null default false,
    requested_by    text not null,
    requested_at    timestamptz not null default now(),
    primary key (organization_id, id),
    foreign key (organization_id, system_id) references bartizan.system
);
create index analysis_of_system on bartizan.analysis (organization_id, system_id, requested_at desc);

create table bartizan.analysis_state (
    organization_id uuid not null,
    analysis_id     uuid not null,
    state           text not null default 'queued'
                    check (state in ('queued', 'running', 'waiting', 'done', 'incomplete', 'failed', 'cancelled', 'superseded')),
    -- Why it waits, failed or is incomplete.
    message         text not null default '',
    stage           text not null default '',
    done            int not null default 0,
    total           int not null default 0,
    calls           int not null default 0,
    tokens_in       bigint not null default 0,
    tokens_out      bigint not null default 0,
    cost            double precision not null default 0,
    currency        text not null default '',
    -- The model version that came of it; 0 for none.
    model_version   bigint not null default 0,
    -- What it changed: counts of threats by kind of change, and the threats
    -- whose decision is up for another look.
    changes         jsonb not null default '{}',
    review          text[] not null default '{}',
    cancel          boolean not null default false,
    attempts        int not null default 0,
    started_at      timestamptz,
    finished_at     timestamptz,
    updated_at      timestamptz not null default now(),
    primary key (organization_id, analysis_id),
    foreign key (organization_id, analysis_id) references bartizan.analysis
);

-- One analysis of a system at a time. A change raises requested in its own
-- transaction and wakes a worker; whoever holds the lease works until done has
-- reached what was requested. A lease that nobody renews is taken over.
create table bartizan.work (
    organization_id uuid not null,
    system_id       uuid not null,
    requested       bigint not null default 0,
    done            bigint not null default 0,
    -- The analysis that the next round works on, and the one under way.
    next_analysis   uuid,
    analysis        uuid,
    -- The request that the analysis under way answers.
    generation      bigint not null default 0,
    holder          text not null default '',
    lease_until     timestamptz,
    -- Nothing is tried before this time: after a fault, or over budget.
    not_before      timestamptz,
    primary key (organization_id, system_id),
    foreign key (organization_id, system_id) references bartizan.system
);
create index work_open on bartizan.work (organization_id) where requested > done;

-- Models, one row a version: by an analysis, a decision or an edit.
create table bartizan.model_version (
    organization_id uuid not null,
    system_id       uuid not null,
    number          bigint not null,
    -- analysis, decision, edit, answer, import, expiry
    cause           text not null,
    analysis_id     uuid,
    -- SHA-256 of the JSON as it was written; purging keeps it.
    digest          bytea not null,
    -- threatmodel.Model as JSON, zstd.
    content         bytea not null,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    primary key (organization_id, system_id, number),
    foreign key (organization_id, system_id) references bartizan.system,
    foreign key (organization_id, analysis_id) references bartizan.analysis
);

-- The quotes of a threat.
create function bartizan.quotes(threat jsonb) returns text
    language sql immutable parallel safe
    return (select coalesce(string_agg(q #>> '{}', ' '), '') from jsonb_path_query(threat, '$.evidence[*].quote') q);

-- The threats of the current model, for lists and search.
create table bartizan.threat (
    organization_id uuid not null,
    system_id       uuid not null,
    id              text not null,
    title           text not null,
    statement       text not null,
    element         text not null default '',
    stride          text[] not null default '{}',
    cwe             int[] not null default '{}',
    controls        text[] not null default '{}', -- catalog:id
    verdicts        text[] not null default '{}',
    risk            text not null,
    risk_rank       smallint not null, -- 0 low to 3 critical
    likelihood      smallint not null,
    impact          smallint not null,
    status          text not null,
    open            boolean not null,
    review_due      boolean not null,
    review_cause    text not null default '',
    source          text not null,
    owner           text not null default '',
    due             timestamptz,
    until           timestamptz, -- an acceptance's last moment
    -- The count of edits and changes, for ETag and If-Match.
    version         bigint not null default 1,
    first_seen_at   timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    terms           tsvector not null generated always as
                    (bartizan.terms(array['@' || organization_id::text, '@' || system_id::text], title || ' ' || statement || ' ' || element || ' ' || bartizan.quotes(content))) stored,
    -- threatmodel.Threat.
    content         jsonb not null,
    primary key (organization_id, system_id, id),
    foreign key (organization_id, system_id) references bartizan.system on delete cascade
);
-- All columns of one direction, so that a cursor is one comparison of rows.
create index threat_by_risk on bartizan.threat (organization_id, risk_rank, system_id, id);
create index threat_by_update on bartizan.threat (organization_id, updated_at, system_id, id);
create index threat_by_owner on bartizan.threat (organization_id, owner, risk_rank, system_id, id);
create index threat_in_review on bartizan.threat (organization_id, risk_rank, system_id, id) where review_due;
create index threat_until on bartizan.threat (until) where until is not null;
create index threat_terms on bartizan.threat using gin (terms);

create table bartizan.decision (
    organization_id uuid not null,
    id              uuid not null,
    system_id       uuid not null,
    threat_id       text not null,
    action          text not null,
    at              timestamptz not null,
    by              text not null,
    member_id       uuid,
    -- threatmodel.Decision.
    content         jsonb not null,
    -- Beside it: owner, due, comment, ticket, residual.
    details         jsonb not null default '{}',
    created_at      timestamptz not null default now(),
    primary key (organization_id, id),
    foreign key (organization_id, system_id) references bartizan.system
);
create index decision_of_threat on bartizan.decision (organization_id, system_id, threat_id, at);

-- People's answers to questions; the newest of a question counts as context.
create table bartizan.answer (
    organization_id uuid not null,
    id              uuid not null,
    system_id       uuid not null,
    question_id     text not null,
    question        text not null,
    answer          text not null,
    at              timestamptz not null default now(),
    by              text not null,
    primary key (organization_id, id),
    foreign key (organization_id, system_id) references bartizan.system
);
create index answer_of_system on bartizan.answer (organization_id, system_id, question_id, at desc);

-- Progress of analyses and batches, as clients follow it. Kept for a day.
create table bartizan.event (
    organization_id uuid not null references bartizan.organization,
    id              bigint not null generated always as identity,
    -- The analysis or batch that it is of.
    subject         uuid not null,
    at              timestamptz not null default now(),
    kind            text not null,
    data            jsonb not null,
    primary key (organization_id, id)
);
create index event_of_subject on bartizan.event (organization_id, subject, id);

-- Work that waits for its turn. River gets at most a few jobs of an
-- organization and kind at a time, round robin, so that no tenant holds up
-- another. An entry is done when it is deleted: in the same transaction as the
-- result where that can be, else after it. A worker that is at work on entries
-- renews alive_until; those of a worker that died wait again.
create table bartizan.backlog (
    organization_id uuid not null references bartizan.organization,
    id              bigint not null generated always as identity,
    kind            text not null check (kind in ('ingest', 'analyse', 'batch', 'deliver')),
    -- What the work is on; work of the same kind on the same subject that
    -- still waits is one entry.
    subject         uuid not null,
    priority        smallint not null default 2 check (priority between 1 and 4), -- 1 a person waits, 2 usual, 3 batch
    not_before      timestamptz not null default now(),
    created_at      timestamptz not null default now(),
    attempts        int not null default 0,
    error           text not null default '',
    -- The River job it was handed over as; null while it waits.
    job_id          bigint,
    handed_at       timestamptz,
    -- Who is at work on it; empty while it waits or stands in River's queue.
    holder          text not null default '',
    alive_until     timestamptz,
    primary key (organization_id, id)
);
create unique index backlog_waiting on bartizan.backlog (organization_id, kind, subject) where job_id is null;
create index backlog_next on bartizan.backlog (organization_id, kind, priority, not_before, id) where job_id is null;
create index backlog_handed on bartizan.backlog (organization_id, kind) where job_id is not null;
create index backlog_held on bartizan.backlog (holder) where holder <> '';

create table bartizan.batch (
    organization_id uuid not null references bartizan.organization,
    id              uuid not null,
    -- service.Selector.
    selector        jsonb not null,
    fresh           boolean not null default false,
    estimate        jsonb,
    -- Whether it begins as soon as it is planned.
    start           boolean not null default false,
    state           text not null default 'planning'
                    check (state in ('planning', 'planned', 'running', 'done', 'cancelled', 'failed')),
    message         text not null default '',
    -- manual or schedule
    cause           text not null default 'manual',
    created_at      timestamptz not null default now(),
    created_by      text not null,
    started_at      timestamptz,
    finished_at     timestamptz,
    primary key (organization_id, id)
);
create table bartizan.batch_item (
    organization_id uuid not null,
    batch_id        uuid not null,
    system_id       uuid not null,
    state           text not null default 'planned'
                    check (state in ('planned', 'queued', 'done', 'incomplete', 'failed', 'cancelled', 'skipped')),
    message         text not null default '',
    estimate        jsonb,
    analysis_id     uuid,
    -- Counts by kind of change, and threats put up for review.
    changes         jsonb,
    primary key (organization_id, batch_id, system_id),
    foreign key (organization_id, batch_id) references bartizan.batch on delete cascade,
    foreign key (organization_id, system_id) references bartizan.system
);
create index batch_item_analysis on bartizan.batch_item (organization_id, analysis_id);

create table bartizan.schedule (
    organization_id uuid not null references bartizan.organization,
    id              uuid not null,
    name            text not null,
    -- Five fields, in UTC unless it begins with CRON_TZ=.
    cron            text not null,
    selector        jsonb not null,
    enabled         boolean not null default true,
    next_at         timestamptz,
    last_batch      uuid,
    version         bigint not null default 1,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    primary key (organization_id, id)
);
create index schedule_next on bartizan.schedule (next_at) where enabled;

-- +goose Down
drop table bartizan.schedule, bartizan.batch_item, bartizan.batch, bartizan.backlog, bartizan.event, bartizan.answer, bartizan.decision,
    bartizan.threat, bartizan.model_version, bartizan.work, bartizan.analysis_state, bartizan.analysis;
drop function bartizan.quotes;
