-- Topics whose events are made only while somebody reads them: when that was last so, on whichever replica.
-- Unlogged: after a crash nobody reads.
create unlogged table eventstore.readers (
    topic text collate "C" primary key,
    seen_at timestamptz not null
);
