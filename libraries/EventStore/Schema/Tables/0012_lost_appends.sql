-- Run appends without an answer that were found not to be stored, kept for a day. If such a request still arrives,
-- after its writer has sent the events again under other ids, it is refused.
create table eventstore.lost_appends (
    id uuid primary key,                -- of the append's first event
    refused_at timestamptz not null default clock_timestamp()
);
create index on eventstore.lost_appends (refused_at);
