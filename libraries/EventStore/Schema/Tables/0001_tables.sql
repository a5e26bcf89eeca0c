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

-- A directory of the log's topics. list_topics updates it behind the log, so a publish pays nothing for it. It is
-- complete up to topic_directory.through; readers search the rest of the log themselves.
create table eventstore.topics (
    topic text collate "C" primary key,
    events bigint not null,     -- kept events, up to topic_directory.through
    first bigint not null,      -- no kept event of the topic is before this position
    head bigint not null        -- its newest event, up to topic_directory.through
);

-- Events per topic and partition, to subtract when a partition is dropped.
create table eventstore.topic_parts (
    part bigint not null,
    topic text collate "C" not null,
    events bigint not null,
    primary key (part, topic)
);

create table eventstore.topic_directory (
    one boolean primary key default true check (one),
    through bigint not null default 0
);
insert into eventstore.topic_directory default values;

-- Events that commit with their caller's transaction; the Broadcaster moves them into the log, so a slow transaction
-- delays only its own events. Users' SQL inserts here too, so the checks are those of publishing over HTTP, with its
-- limits as they are by default.
create table eventstore.outbox (
    ordinal bigint generated always as identity primary key,
    id uuid not null default gen_random_uuid(),
    topic text not null,
    type text not null,
    key text,
    data text not null,
    traceparent text,
    -- The transaction that wrote the row: by it a look at the outbox finds what the look before could not see. Rows
    -- that were moved stay in the table and its indexes until the oldest transaction of the database ends, and are
    -- passed by no look.
    writer xid8 not null default pg_current_xact_id(),
    constraint outbox_topic_is_tokens check (length(topic) <= 256 and topic ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$'),
    constraint outbox_type_is_one_line check (type ~ '^[^\r\n]+$'),
    constraint outbox_data_are_one_line check (data !~ '[\r\n]'),
    constraint outbox_data_are_json check ((data::json) is not null),
    constraint outbox_type_is_not_reserved check (type not in ('connected', 'resync', 'skipped', 'unauthorized')),
    constraint outbox_names_are_short
        check (length(type) <= 256 and length(key) <= 256 and topic !~ '^([^.]*\.){32}'),
    constraint outbox_data_are_small check (octet_length(data) <= 1048576)
);
-- Without the ordinal, by which the planner would search a small index from end to end, through what was deleted.
create index outbox_writers on eventstore.outbox (writer);
create index outbox_topics on eventstore.outbox (topic);

-- Rows taken out of the outbox because no stream could show them. An operator corrects a row, inserts it into the
-- outbox again and deletes it here.
create table eventstore.outbox_refused (
    ordinal bigint primary key,
    id uuid not null,
    topic text not null,
    type text not null,
    key text,
    data text not null,
    traceparent text,
    reason text not null,
    refused_at timestamptz not null default clock_timestamp()
);

-- Leases with fencing numbers, by Postgres's clock; see hold_lease.
create table eventstore.leases (
    name text primary key,
    holder text not null,
    fence bigint not null,
    expires_at timestamptz not null,
    granted_for interval    -- by it hold_lease knows an expiry from before the clock was set back
);

-- Topics whose events are made only while a client reads them: the last time that any replica had a reader. Unlogged:
-- no client reads after a crash.
create unlogged table eventstore.readers (
    topic text collate "C" primary key,
    seen_at timestamptz not null
);

-- Processes that write runs. A row is a lease: its process renews it for all of its runs.
create table eventstore.run_writers (
    id uuid primary key,
    replica text not null,
    expires_at timestamptz not null
);

-- Open runs: topics that one process writes from a beginning to an end (a generation, an agent's answer). The
-- transaction that writes a run's end deletes its row, so a run ends exactly once and nothing follows.
create table eventstore.runs (
    run text collate "C" primary key,     -- the topic of its events
    writer uuid not null,
    -- The closing events, which end the run if its writer dies: [{"type","data","key"?}].
    will jsonb not null,
    cancelled boolean not null default false,
    begun_at timestamptz not null default clock_timestamp(),
    started_at timestamptz not null default clock_timestamp(),  -- the last attempt
    -- The epoch in which the writer last proved that the log has all of its events, see confirm_run(). Null: not yet
    -- known to need a proof.
    epoch text,
    -- Work that another process may start again when its own is lost, instead of ending the run. Such a run without a
    -- process has the nil writer, and waits for one that knows its handler.
    handler text,                       -- null: the run ends with its process
    input text,                         -- JSON that the handler gets
    attempt int not null default 1,
    attempts int not null default 1     -- the last attempt that may be made
);
create index runs_writer on eventstore.runs (writer);

-- Requests that a client may send again (Idempotency-Key): their owner, a digest of their content, and the id that
-- the first one got.
create table eventstore.idempotency_keys (
    owner text collate "C" not null,
    key text collate "C" not null,
    digest bytea not null,
    answer text collate "C" not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (owner, key)
);
create index idempotency_keys_created_at on eventstore.idempotency_keys (created_at);
-- abandon_runs() looks up the keys of the runs that it ends, under the log's lock.
create index idempotency_keys_answer on eventstore.idempotency_keys (answer);

-- Run appends without an answer that were found not to be stored, kept for a day. If such a request still arrives,
-- after its writer has sent the events again under other ids, it is refused.
create table eventstore.lost_appends (
    id uuid primary key,                -- of the append's first event
    refused_at timestamptz not null default clock_timestamp()
);
create index on eventstore.lost_appends (refused_at);

-- Ticket sessions: the one connection that uses a ticket, over all replicas. Unlogged: worthless after a crash.
create unlogged table eventstore.ticket_holders (
    ticket uuid primary key,
    connection text not null,
    opened_at timestamptz not null,     -- by its replica's clock: the later connection keeps the ticket
    told_at timestamptz not null        -- by Postgres's clock: when the row was written
);
create index on eventstore.ticket_holders (told_at);

-- Secrets shared by all processes, made here so that nothing has to be configured. gen_random_uuid() is
-- cryptographically strong: 122 random bits each. An operator may replace a value (32 bytes or more).
create table eventstore.secrets (
    name text primary key,
    value bytea not null
);

-- tickets seals stream tickets: a new value invalidates all of them. relay signs the Broadcaster's messages on Redis,
-- so that write access to Redis is not enough to forge one: a new value is in use everywhere after some seconds.
insert into eventstore.secrets
select name, decode(replace(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), '-', ''), 'hex')
from (values ('tickets'), ('relay')) as needed(name);

-- The epochs of this log, the newest last. A row is written before the first event of its epoch, under the log's lock,
-- so the log itself proves `common`: the last position that the epoch shares with its parent.
create table eventstore.lineage (
    number bigint primary key,
    epoch text not null unique,         -- random: two promotions of one backup get two epochs
    fingerprint text not null,          -- where its events are written, see fingerprint()
    parent text,                        -- null: a history of its own (created, reset, declared)
    common bigint not null,
    begun_at timestamptz not null default clock_timestamp()
);

-- The first one.
insert into eventstore.lineage (number, epoch, fingerprint, common)
select 1, substr(md5(gen_random_uuid()::text), 1, 10),
    concat_ws('/', c.system_identifier, d.oid, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        || '/' || 'eventstore.lineage'::regclass::oid, 0
from pg_control_system() c, pg_database d where d.datname = current_database();

-- Who erased what, when and why, without the data. `through`: no erased event is after this position.
create table eventstore.erasures (
    number bigint generated always as identity primary key,
    topics text[] not null,             -- each with all topics below it
    ids uuid[] not null,
    erased_by text not null,
    reason text not null,
    events bigint not null,             -- of the log
    outbox_rows bigint not null,        -- not moved, or refused
    through bigint not null,
    erased_at timestamptz not null default clock_timestamp()
);
create index on eventstore.erasures (erased_at);
