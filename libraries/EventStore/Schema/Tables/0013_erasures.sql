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
