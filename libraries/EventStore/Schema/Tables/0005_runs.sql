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
    started_at timestamptz not null default clock_timestamp(),
    -- The epoch in which the writer last proved that the log has all of its events, see confirm_run(). Null: not yet
    -- known to need a proof.
    epoch text
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
