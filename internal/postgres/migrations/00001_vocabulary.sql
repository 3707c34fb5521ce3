-- The vocabulary of the product as tables. Every row belongs to an
-- organization; row-level security holds that also where a query forgets it.
--
-- Keys begin with the organization, so that no foreign key can point across
-- it: foreign keys are checked without regard to row-level security.
--
-- Two roles: the owner of this schema migrates, keeps house and purges; the
-- application role bartizan_app owns nothing and cannot bypass the policies.
-- 00009_policies.sql grants and protects; a table that it does not know fails
-- the isolation test. The role, the schema and the extension vector are made
-- before the first migration, by code that can say what is missing.
--
-- organization_id is the tenant of the transaction where an insert does not
-- name it: see 00009_policies.sql.

-- +goose Up

-- The tenant of the transaction: null, hence no rows, where none is set.
create function bartizan.current_organization() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.organization_id', true), '')::uuid;

create table bartizan.organization (
    organization_id uuid primary key,
    name            text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    title           text not null,
    -- Settings as service.Settings writes them: retention, budgets, endpoints
    -- by classification, model, schedule.
    settings        jsonb not null default '{}',
    version         bigint not null default 1,
    created_at      timestamptz not null default now()
);

create table bartizan.member (
    organization_id uuid not null references bartizan.organization,
    id              uuid not null,
    name            text not null,
    email           text not null,
    role            text not null check (role in ('viewer', 'analyst', 'approver', 'admin')),
    version         bigint not null default 1,
    created_at      timestamptz not null default now(),
    removed_at      timestamptz,
    primary key (organization_id, id)
);
create unique index member_email on bartizan.member (organization_id, lower(email)) where removed_at is null;

create table bartizan.system (
    organization_id uuid not null references bartizan.organization,
    id              uuid not null,
    name            text not null,
    owner           text not null default '',
    criticality     text not null default '',
    -- The highest class of its documents: decides where their text may go.
    classification  text not null default '',
    -- threatmodel.Context, as bartizan.yaml holds it.
    context         jsonb not null default '{}',
    labels          text[] not null default '{}',
    catalogs        text[] not null default '{iso27001-2022}',
    analyst         text not null default '' check (analyst in ('', 'llm', 'builtin', 'both')),
    -- The newest row of model_version; 0 before the first.
    current_version bigint not null default 0,
    -- How many questions that version leaves open.
    questions       int not null default 0,
    -- The count of edits, for ETag and If-Match.
    version         bigint not null default 1,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    archived_at     timestamptz,
    purged_at       timestamptz,
    primary key (organization_id, id)
);
create unique index system_name on bartizan.system (organization_id, lower(name)) where archived_at is null and purged_at is null;
create index system_labels on bartizan.system using gin (labels);

create table bartizan.token (
    organization_id uuid not null references bartizan.organization,
    id              uuid not null,
    member_id       uuid,
    -- Null where the token is good for the whole organization.
    system_id       uuid,
    name            text not null,
    -- SHA-256 of the secret: 256 random bits need no slow hash.
    hash            bytea not null unique check (octet_length(hash) = 32),
    -- What people recognise the token by.
    hint            text not null,
    scopes          text[] not null check (scopes <@ '{read,write,decide,admin}' and cardinality(scopes) > 0),
    created_at      timestamptz not null default now(),
    created_by      text not null,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, member_id) references bartizan.member,
    foreign key (organization_id, system_id) references bartizan.system
);

-- A document is a source with a stable reference; its bytes are revisions.
create table bartizan.document (
    organization_id uuid not null,
    id              uuid not null,
    system_id       uuid not null,
    reference       text not null,
    name            text not null,
    version         bigint not null default 1,
    created_at      timestamptz not null default now(),
    -- A document that was taken out of the system; its revisions stay.
    removed_at      timestamptz,
    purged_at       timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, system_id) references bartizan.system
);
create unique index document_reference on bartizan.document (organization_id, system_id, reference) where removed_at is null and purged_at is null;

-- Original bytes by content, in compressed pieces of at most 4 MiB.
create table bartizan.original (
    organization_id uuid not null references bartizan.organization,
    sha256          bytea not null check (octet_length(sha256) = 32),
    size            bigint not null,
    pieces          int not null,
    created_at      timestamptz not null default now(),
    primary key (organization_id, sha256)
);
create table bartizan.original_piece (
    organization_id uuid not null,
    sha256          bytea not null,
    number          int not null,
    content         bytea not null,
    primary key (organization_id, sha256, number),
    foreign key (organization_id, sha256) references bartizan.original on delete cascade
);
alter table bartizan.original_piece alter column content set storage external; -- compressed already

create table bartizan.revision (
    organization_id uuid not null,
    id              uuid not null,
    document_id     uuid not null,
    number          int not null,
    name            text not null,
    media_type      text not null default '',
    sha256          bytea not null,
    size            bigint not null,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    primary key (organization_id, id),
    unique (organization_id, document_id, number),
    foreign key (organization_id, document_id) references bartizan.document
);

-- How far the reading of a revision has come.
create table bartizan.ingestion (
    organization_id uuid not null,
    revision_id     uuid not null,
    state           text not null default 'queued' check (state in ('queued', 'reading', 'read', 'failed')),
    -- Extraction and splitting by this version of the readers.
    reader          text not null default '',
    error           text not null default '',
    updated_at      timestamptz not null default now(),
    primary key (organization_id, revision_id),
    foreign key (organization_id, revision_id) references bartizan.revision on delete cascade
);
-- The revision first, for the same reason as with passages below.
create index ingestion_open on bartizan.ingestion (revision_id, organization_id) where state in ('queued', 'reading');

-- What was read from a revision: one row a document in it, more for an
-- archive or export.
create table bartizan.source (
    organization_id uuid not null,
    id              uuid not null,
    revision_id     uuid not null,
    position        int not null,
    name            text not null,
    title           text not null default '',
    sha256          text not null,
    -- threatmodel.Source as JSON, zstd.
    content         bytea not null,
    created_at      timestamptz not null default now(),
    primary key (organization_id, id),
    unique (organization_id, revision_id, position),
    foreign key (organization_id, revision_id) references bartizan.revision on delete cascade
);

-- What the full-text index knows a text by. Documents come in any language, and
-- what people search for are mostly names and technical terms: so every word
-- as it stands (simple), and beside it the stems of English. A text in another
-- language is found by its words, and none is lost to a stemmer or a list of
-- stop words that is not made for it. scope holds the keys of the tenant and
-- of what else narrows a search: the index then intersects with them, and the
-- words of other tenants cost nothing. What stands past 50,000 characters of
-- one text is not searched: a tsvector holds 1 MB.
create function bartizan.terms(scope text[], text text) returns tsvector
    language sql immutable parallel safe
    return array_to_tsvector(scope)
        || to_tsvector('pg_catalog.simple'::regconfig, left(text, 50000))
        || to_tsvector('pg_catalog.english'::regconfig, left(text, 50000));

-- A distinct passage of a system: one row however often it stands there.
create table bartizan.passage (
    organization_id uuid not null,
    system_id       uuid not null,
    id              bigint not null generated always as identity,
    -- SHA-256 of what it is found by: postgres.PassageHash.
    hash            bytea not null check (octet_length(hash) = 32),
    heading         text not null default '',
    -- The header row above a row of a table.
    header          text not null default '',
    text            text not null,
    -- True while the newest revision read of a document that counts holds the
    -- passage. The row stays otherwise, so that its vector is never made again.
    current         boolean not null default false,
    terms           tsvector not null generated always as
                    (bartizan.terms(array['@' || organization_id::text, '@' || system_id::text], heading || ' ' || header || ' ' || text)) stored,
    primary key (organization_id, system_id, id),
    -- The hash first, and likewise below: the primary key stays the only index
    -- that begins with the organization. Of a new organization the statistics
    -- know nothing, each such index looks as good as the key, and checking
    -- foreign keys by another one reads all of the organization's rows.
    unique (hash, organization_id, system_id),
    foreign key (organization_id, system_id) references bartizan.system on delete cascade
);
create index passage_terms on bartizan.passage using gin (terms) where current;

-- Where passages stand: the passages of each source.
create table bartizan.occurrence (
    organization_id uuid not null,
    source_id       uuid not null,
    position        int not null,
    system_id       uuid not null,
    passage         bigint not null,
    -- The id by which models cite the passage.
    passage_id      text not null,
    locator         jsonb not null,
    primary key (source_id, position, organization_id),
    foreign key (organization_id, source_id) references bartizan.source on delete cascade,
    foreign key (organization_id, system_id, passage) references bartizan.passage
);
create index occurrence_passage on bartizan.occurrence (passage, system_id, organization_id);

-- Embedding models that vectors were made by.
create table bartizan.embedding_model (
    organization_id uuid not null references bartizan.organization,
    id              smallint not null,
    name            text not null,
    dimensions      int not null,
    primary key (organization_id, id),
    unique (organization_id, name)
);

-- One narrow row a distinct passage and embedding model, read as a whole for
-- the scope of a search: exact search beats an approximate index up to about
-- 50,000 vectors. current is that of the passage.
create table bartizan.vector (
    organization_id uuid not null,
    system_id       uuid not null,
    model           smallint not null,
    passage         bigint not null,
    current         boolean not null,
    embedding       halfvec not null,
    primary key (organization_id, system_id, model, passage),
    foreign key (organization_id, system_id, passage) references bartizan.passage on delete cascade,
    foreign key (organization_id, model) references bartizan.embedding_model
);
alter table bartizan.vector alter column embedding set storage plain;

-- +goose Down
drop table bartizan.vector, bartizan.embedding_model, bartizan.occurrence, bartizan.passage, bartizan.source, bartizan.ingestion,
    bartizan.revision, bartizan.original_piece, bartizan.original, bartizan.document, bartizan.token, bartizan.system, bartizan.member,
    bartizan.organization;
drop function bartizan.terms;
drop function bartizan.current_organization;
