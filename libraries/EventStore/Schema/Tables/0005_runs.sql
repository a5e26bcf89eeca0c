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
    started_at timestamptz not null default clock_timestamp()
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
