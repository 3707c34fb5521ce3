-- Model answers, limits, cost, webhooks, audit.

-- +goose Up

-- Complete answers under their call hash, shared by all workers.
create table bartizan.memo (
    organization_id uuid not null references bartizan.organization,
    call_hash       text not null,
    stage           text not null,
    model           text not null,
    mode            text not null,
    input_hash      text not null default '',
    tokens_in       int not null,
    tokens_cached   int not null default 0,
    tokens_out      int not null,
    -- JSON, zstd; sealed by AES-256-GCM where a key is set.
    answer          bytea not null,
    key_id          text not null default '',
    created_at      timestamptz not null default now(),
    primary key (organization_id, call_hash)
);
-- Which systems an answer served: purging goes by this.
create table bartizan.memo_use (
    organization_id uuid not null,
    call_hash       text not null,
    system_id       uuid not null,
    primary key (organization_id, call_hash, system_id),
    foreign key (organization_id, call_hash) references bartizan.memo on delete cascade
);
create index memo_use_system on bartizan.memo_use (organization_id, system_id);
-- Answers that could not be used, for people to look at.
create table bartizan.memo_fault (
    organization_id uuid not null references bartizan.organization,
    id              bigint not null generated always as identity,
    system_id       uuid not null,
    call_hash       text not null,
    kind            text not null,
    raw             bytea not null,
    key_id          text not null default '',
    created_at      timestamptz not null default now(),
    primary key (organization_id, id)
);
-- Who is asking for an answer right now.
create table bartizan.memo_claim (
    organization_id uuid not null references bartizan.organization,
    call_hash       text not null,
    holder          text not null,
    until           timestamptz not null,
    primary key (organization_id, call_hash)
);
create table bartizan.memo_mode (
    organization_id uuid not null references bartizan.organization,
    endpoint        text not null,
    mode            text not null,
    reason          text not null,
    at              timestamptz not null,
    primary key (organization_id, endpoint)
);

-- Calls under way, leased, with what is reserved for them.
create table bartizan.slot (
    organization_id uuid not null references bartizan.organization,
    id              uuid not null,
    endpoint        text not null,
    holder          text not null,
    until           timestamptz not null,
    tokens          bigint not null,
    cost            double precision not null,
    currency        text not null default '',
    primary key (organization_id, id)
);
create index slot_of_endpoint on bartizan.slot (endpoint);
create index slot_of_holder on bartizan.slot (holder);
-- Tokens a minute, as a leaking bucket: level is what has not leaked away at
-- the time at, in tokens. Its row is the lock under which calls are let in.
create table bartizan.pace (
    organization_id uuid primary key references bartizan.organization,
    level           double precision not null default 0,
    at              timestamptz not null default now()
);
-- The same of an endpoint, over all organizations: for the owner alone.
create table bartizan.endpoint_pace (
    endpoint        text primary key,
    level           double precision not null default 0,
    at              timestamptz not null default now()
);
-- What an organization spent in a month: the sums over usage.
create table bartizan.spending (
    organization_id uuid not null references bartizan.organization,
    month           date not null,
    currency        text not null default '',
    tokens          bigint not null default 0,
    cost            double precision not null default 0,
    primary key (organization_id, month, currency)
);
-- What was used, by month, endpoint and model.
create table bartizan.usage (
    organization_id uuid not null references bartizan.organization,
    month           date not null,
    system_id       uuid not null,
    endpoint        text not null,
    model           text not null,
    stage           text not null,
    calls           bigint not null default 0,
    cached          bigint not null default 0,
    faults          bigint not null default 0,
    tokens_in       bigint not null default 0,
    tokens_out      bigint not null default 0,
    cost            double precision not null default 0,
    currency        text not null default '',
    primary key (organization_id, month, system_id, endpoint, model, stage, currency)
);

create table bartizan.webhook (
    organization_id uuid not null references bartizan.organization,
    id              uuid not null,
    url             text not null,
    -- Sealed where a key is set.
    secret          bytea not null,
    key_id          text not null default '',
    events          text[] not null,
    enabled         boolean not null default true,
    version         bigint not null default 1,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    primary key (organization_id, id)
);
create table bartizan.delivery (
    organization_id uuid not null,
    id              uuid not null,
    webhook_id      uuid not null,
    event           text not null,
    body            bytea not null,
    state           text not null default 'queued' check (state in ('queued', 'delivered', 'failed')),
    attempts        int not null default 0,
    status          int,
    response        text not null default '',
    created_at      timestamptz not null default now(),
    next_at         timestamptz,
    delivered_at    timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, webhook_id) references bartizan.webhook on delete cascade
);
create index delivery_of_webhook on bartizan.delivery (organization_id, webhook_id, created_at desc);

create table bartizan.idempotency (
    organization_id uuid not null references bartizan.organization,
    token_id        uuid not null,
    key             text not null,
    -- Method, path and body.
    request         bytea not null,
    -- 0 while the first request is under way.
    status          int not null default 0,
    header          jsonb not null default '{}',
    body            bytea not null default '',
    created_at      timestamptz not null default now(),
    primary key (organization_id, token_id, key)
);

-- A catalog of the company's own.
create table bartizan.catalog (
    organization_id uuid not null references bartizan.organization,
    id              text not null,
    title           text not null,
    version         text not null,
    content         text not null, -- YAML as given
    created_at      timestamptz not null default now(),
    created_by      text not null,
    revision        bigint not null default 1,
    primary key (organization_id, id)
);

-- The audit trail. How hash and digest are made stands at postgres.AuditEvent;
-- purging takes the details and leaves the digest, and the chain still verifies.
create table bartizan.audit_event (
    organization_id uuid not null references bartizan.organization,
    sequence        bigint not null,
    at              timestamptz not null,
    actor           text not null,
    action          text not null,
    object          text not null,
    digest          bytea not null,
    -- The bytes that the digest is of: json keeps them as they came, jsonb
    -- would not. Null where they were purged.
    details         json,
    previous        bytea not null,
    hash            bytea not null,
    primary key (organization_id, sequence)
);
create index audit_event_object on bartizan.audit_event (organization_id, object, sequence desc);
-- The head of each chain: locked while an event is appended.
create table bartizan.audit_head (
    organization_id uuid not null references bartizan.organization,
    sequence        bigint not null default 0,
    hash            bytea not null default '\x',
    primary key (organization_id)
);
create table bartizan.checkpoint (
    organization_id uuid not null references bartizan.organization,
    sequence        bigint not null,
    hash            bytea not null,
    at              timestamptz not null default now(),
    key_id          text not null,
    signature       bytea not null,
    primary key (organization_id, sequence)
);

-- +goose Down
drop table bartizan.checkpoint, bartizan.audit_head, bartizan.audit_event, bartizan.catalog, bartizan.idempotency, bartizan.delivery,
    bartizan.webhook, bartizan.usage, bartizan.spending, bartizan.endpoint_pace, bartizan.pace, bartizan.slot, bartizan.memo_mode, bartizan.memo_claim, bartizan.memo_fault,
    bartizan.memo_use, bartizan.memo;
