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
    constraint outbox_topic_is_tokens check (length(topic) <= 256 and topic ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$'),
    constraint outbox_type_is_one_line check (type ~ '^[^\r\n]+$'),
    constraint outbox_data_are_one_line check (data !~ '[\r\n]'),
    constraint outbox_data_are_json check ((data::json) is not null),
    constraint outbox_type_is_not_reserved check (type not in ('connected', 'resync', 'skipped', 'unauthorized')),
    constraint outbox_names_are_short
        check (length(type) <= 256 and length(key) <= 256 and topic !~ '^([^.]*\.){32}'),
    constraint outbox_data_are_small check (octet_length(data) <= 1048576)
);

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
