-- Topics whose events are made only while a client reads them: the last time that any replica had a reader. Unlogged:
-- no client reads after a crash. (The name is that of a table of replicas, which is StreamApi's own now.)
create unlogged table eventstore.readers (
    topic text collate "C" primary key,
    seen_at timestamptz not null
);
