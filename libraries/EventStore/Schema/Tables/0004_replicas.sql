-- The stream servers that run now. Unlogged: worthless after a crash.
create unlogged table eventstore.replicas (
    name text primary key,
    state jsonb not null,
    seen_at timestamptz not null
);

-- Topics whose events are made only while a client reads them: the last time that any replica had a reader. Unlogged:
-- no client reads after a crash.
create unlogged table eventstore.readers (
    topic text collate "C" primary key,
    seen_at timestamptz not null
);
