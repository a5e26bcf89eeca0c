create schema if not exists eventstore;

create table if not exists eventstore.migrations (
    name text primary key,
    applied_at timestamptz not null default now()
);

-- The functions as last applied. hash is the SHA-256 of the file's text.
create table if not exists eventstore.functions (
    name text primary key,
    hash text not null,
    applied_at timestamptz not null default now()
);

-- Adopts a database of the development versions before the first release, whose last migration was 0020. They made the
-- same tables as Tables/0001 to 0008, so these count as applied.
do $$
begin
    if not exists (select from eventstore.migrations where name = '0001_log')
        or exists (select from eventstore.migrations where name = '0001_events') then
        return;
    end if;
    if (
        select count(*) from eventstore.migrations where name in ('0014_retention', '0020_runs_begin_whole')
    ) < 2 then
        raise exception 'This event store was made by an early development version and cannot be upgraded. '
            'To start with an empty one, run "drop schema eventstore cascade" in its database and migrate again.';
    end if;
    insert into eventstore.migrations (name) values
        ('0001_events'), ('0002_outbox'), ('0003_leases'), ('0004_replicas'), ('0005_runs'), ('0006_topics'),
        ('0007_secrets'), ('0008_tickets');
    drop function if exists eventstore.relay_outbox(text, bigint, int), eventstore.drop_old(interval, bigint);
end $$;
