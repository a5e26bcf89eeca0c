-- The transaction that wrote a row: by it a look at the outbox finds what the look before could not see. Rows that were
-- moved stay in the table and its indexes until the oldest transaction of the database ends, and are passed by no look.
alter table eventstore.outbox add column writer xid8 not null default pg_current_xact_id();
-- Without the ordinal, by which the planner would search a small index from end to end, through what was deleted.
create index outbox_writers on eventstore.outbox (writer);
create index outbox_topics on eventstore.outbox (topic);
