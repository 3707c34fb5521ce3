-- What the application may ask beyond its own rows' policies. The functions run
-- as the owner, who is not held by row-level security: each takes the tenant
-- from the transaction, and each has a case in the isolation test.
--
-- Two need it. A token is looked up before its organization is known. And full
-- text: the operator @@ is not leakproof, so that under a policy the index on
-- terms is never used.

-- +goose Up

-- +goose StatementBegin
-- Finds a token by the hash of its secret, and notes its use, at most once a
-- minute. Tokens that expired or were revoked are found too.
create function bartizan.use_token(secret_hash bytea)
returns table (
    organization_id uuid, id uuid, member_id uuid, system_id uuid, name text, scopes text[], expires_at timestamptz, revoked_at timestamptz,
    member_name text, member_role text, member_removed_at timestamptz
)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    update bartizan.token t set last_used_at = now()
    where t.hash = secret_hash and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
        and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
    return query
        select t.organization_id, t.id, t.member_id, t.system_id, t.name, t.scopes, t.expires_at, t.revoked_at, m.name, m.role, m.removed_at
        from bartizan.token t
        left join bartizan.member m on m.organization_id = t.organization_id and m.id = t.member_id
        where t.hash = secret_hash;
end
$$;

-- What people typed as a query: all words, "a phrase", or, -not. Each word as
-- it stands or by its English stem.
create function bartizan.query_terms(words text) returns tsquery
language sql immutable parallel safe
return websearch_to_tsquery('pg_catalog.simple'::regconfig, words) || websearch_to_tsquery('pg_catalog.english'::regconfig, words);

-- Any of the words, but for those that say nothing in English; null where the
-- query says what must not be.
create function bartizan.any_terms(words text) returns tsquery
language sql immutable parallel safe
return case when words ~ '(^|\s)-' then null
    else replace(websearch_to_tsquery('pg_catalog.english'::regconfig, words)::text, ' & ', ' | ')::tsquery end;

-- The index keys of a scope: see bartizan.terms.
create function bartizan.scope_terms(scope uuid) returns tsquery
language sql immutable parallel safe
return quote_literal('@' || scope::text)::tsquery;

-- The tenant's passages that have all the words, the best first; those that
-- have any, where none has all. of_system null is the whole organization.
create function bartizan.search_passages(words text, of_system uuid, max_rows int)
returns table (system_id uuid, passage bigint, rank real)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    tenant constant uuid := bartizan.current_organization();
    scope  tsquery;
    wanted tsquery;
begin
    if tenant is null then
        return;
    end if;
    scope := bartizan.scope_terms(coalesce(of_system, tenant));
    foreach wanted in array array[bartizan.query_terms(words), bartizan.any_terms(words)] loop
        continue when wanted is null or numnode(wanted) = 0;
        -- Planned with the values at hand: how rare the words are decides.
        return query execute
            'select p.system_id, p.id, ts_rank_cd(p.terms, $1, 1) from bartizan.passage p
            where p.current and p.organization_id = $2 and p.terms @@ $3
            order by 3 desc, 1, 2 limit $4'
            using wanted, tenant, scope && wanted, max_rows;
        exit when found;
    end loop;
end
$$;

-- The tenant's threats that have all the words, the best first.
create function bartizan.search_threats(words text, of_system uuid, max_rows int)
returns table (system_id uuid, threat text, rank real)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    tenant constant uuid := bartizan.current_organization();
    wanted constant tsquery := bartizan.query_terms(words);
begin
    if tenant is null or numnode(wanted) = 0 then
        return;
    end if;
    return query execute
        'select t.system_id, t.id, ts_rank_cd(t.terms, $1, 1) from bartizan.threat t
        where t.organization_id = $2 and t.terms @@ $3
        order by 3 desc, 1, 2 limit $4'
        using wanted, tenant, bartizan.scope_terms(coalesce(of_system, tenant)) && wanted, max_rows;
end
$$;
-- +goose StatementEnd

-- +goose Down
drop function bartizan.search_threats, bartizan.search_passages, bartizan.scope_terms, bartizan.any_terms, bartizan.query_terms, bartizan.use_token;
