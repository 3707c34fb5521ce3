-- A version that a person's decision or edit made differs from the one before in a
-- threat or two: it is stored as the pieces that differ, since the last version that
-- was stored whole.

-- +goose Up
alter table bartizan.model_version add column base bigint;
comment on column bartizan.model_version.base is
    'Null: content is the JSON. Else the last version that is whole; content are the pieces that differ from the version before this one.';

-- +goose Down
-- +goose StatementBegin
do $$ begin
    if exists (select from bartizan.model_version where base is not null) then
        raise exception 'there are versions of models that an older program cannot read';
    end if;
end $$;
-- +goose StatementEnd
alter table bartizan.model_version drop column base;
