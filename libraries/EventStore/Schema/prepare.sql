-- Not "create schema if not exists", which asks for the right to create one even if there is one.
do $$
begin
    if to_regnamespace('eventstore') is null then create schema eventstore; end if;
end $$;

create table if not exists eventstore.migrations (
    name text primary key,
    applied_at timestamptz not null default now()
);

-- Older development versions had other tables: theirs of the outbox had no limits, or came from other migrations.
do $$
begin
    if exists (select from eventstore.migrations where name in ('0001_log', '0002_outbox'))
        and not exists (
            select from pg_constraint
            where connamespace = 'eventstore'::regnamespace and conname = 'outbox_data_are_small'
        ) then
        raise exception 'This event store was made by an older development version and cannot be upgraded. '
            'To start with an empty one, run "drop schema eventstore cascade" in its database and migrate again.';
    end if;
end $$;
