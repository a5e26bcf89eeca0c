-- Not "create schema if not exists", which asks for the right to create one even if there is one.
do $$
begin
    if to_regnamespace('eventstore') is null then create schema eventstore; end if;
end $$;

create table if not exists eventstore.migrations (
    name text primary key,
    applied_at timestamptz not null default now()
);

-- The development versions before the first release had other tables, and other names of their first migration.
do $$
begin
    if exists (select from eventstore.migrations where name ~ '^0001_' and name <> '0001_tables') then
        raise exception 'This event store was made by an older development version and cannot be upgraded. '
            'To start with an empty one, run "drop schema eventstore cascade" in its database and migrate again.';
    end if;
end $$;
