-- Followers of a batch are told of each item that has ended, by whoever next holds
-- the batch: events of one subject are written under its lock, and an item ends
-- under that of its system.

-- +goose Up
alter table bartizan.batch_item add column told boolean not null default false;
create index batch_item_untold on bartizan.batch_item (batch_id, organization_id, system_id)
    where not told and state in ('done', 'incomplete', 'failed', 'cancelled', 'skipped');

-- +goose Down
drop index bartizan.batch_item_untold;
alter table bartizan.batch_item drop column told;
