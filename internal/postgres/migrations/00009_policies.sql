-- What the application role may do. It owns nothing here. Goose's table and
-- endpoint_pace are the owner's alone.

-- +goose Up

grant usage on schema bartizan to bartizan_app;

-- +goose StatementBegin
do $$
declare
    t text;
    append_only constant text[] := '{revision,source,analysis,model_version,decision,answer,audit_event,checkpoint,original,original_piece}';
begin
    for t in select tablename from pg_tables where schemaname = 'bartizan' and tablename not in ('migration', 'endpoint_pace') loop
        execute format('grant select, insert on bartizan.%I to bartizan_app', t);
        if not t = any (append_only) then
            execute format('grant update, delete on bartizan.%I to bartizan_app', t);
        end if;
        execute format('alter table bartizan.%I enable row level security', t);
        execute format('create policy tenant on bartizan.%I to bartizan_app
            using (organization_id = (select bartizan.current_organization()))
            with check (organization_id = (select bartizan.current_organization()))', t);
        if t <> 'organization' then
            execute format('alter table bartizan.%I alter column organization_id set default bartizan.current_organization()', t);
        end if;
    end loop;
end
$$;
-- +goose StatementEnd

-- Organizations are made and removed by the owner role alone.
revoke insert, delete on bartizan.organization from bartizan_app;

grant usage on all sequences in schema bartizan to bartizan_app;
revoke execute on all functions in schema bartizan from public;
grant execute on all functions in schema bartizan to bartizan_app;

-- +goose Down
drop owned by bartizan_app;
