-- One row: the state of the log.
create table eventstore.store (
    one boolean primary key default true check (one),
    created_at timestamptz not null default now(),
    -- Retention has dropped every position up to here: a reader before it has missed events.
    dropped_through bigint not null default 0,
    -- Positions per partition.
    partition_span bigint not null default 1000000 check (partition_span > 0)
);
insert into eventstore.store default values;

-- Runs ahead of commits: the newest visible position is eventstore.head().
create sequence eventstore.position as bigint;

-- The log. Writers hold eventstore.lock_log() until they commit, so positions become visible in order.
-- Positions may have gaps (a rolled-back batch), never duplicates.
create table eventstore.events (
    position bigint not null,
    id uuid not null,
    topic text collate "C" not null,
    type text collate "C" not null,
    key text collate "C",
    data text not null,
    traceparent text,
    time timestamptz not null,
    primary key (position),
    -- The only rule checked for every event: it costs a third of a microsecond under the log's lock.
    constraint events_type_is_one_line check (strpos(type, e'\n') = 0 and strpos(type, e'\r') = 0)
) partition by range (position);
create index events_topic on eventstore.events (topic, position);

-- LZ4 compresses an event of a megabyte in a fraction of pglz's time, and the log is locked meanwhile.
do $$
begin
    alter table eventstore.events alter column data set compression lz4;
exception when feature_not_supported or invalid_parameter_value then
    raise notice 'This Postgres was built without LZ4: large events are compressed with pglz, which is slower.';
end $$;

create table eventstore.events_000000000 (like eventstore.events including all);
alter table eventstore.events attach partition eventstore.events_000000000 for values from (0) to (1000000);

-- Ids chosen by publishers, kept for 24 hours: a retry gets the first answer, other content is a conflict.
create table eventstore.recent_ids (
    id uuid primary key,
    digest bytea not null,
    position bigint not null,
    time timestamptz not null
);
create index recent_ids_time on eventstore.recent_ids (time);
