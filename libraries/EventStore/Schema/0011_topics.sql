-- A directory of the log's topics. It follows the log (list_topics) instead of being written by every append, so it costs a publish
-- nothing and no row of it changes more than once a second. Complete up to topic_directory.through; readers look at the rest themselves.
create table eventstore.topics (
    topic text collate "C" primary key,
    events bigint not null,     -- kept events, up to topic_directory.through
    first bigint not null,      -- no kept event of the topic stands before
    head bigint not null        -- its newest event, up to topic_directory.through
);

-- The events of each topic in each partition, so that dropping a partition can be subtracted.
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

-- Takes up to `most` more events into the directory. Returns how many; 0 also where another session is at it.
create function eventstore.list_topics(most int) returns int language plpgsql as $$
declare
    span bigint := (select partition_span from eventstore.store);
    low bigint;
    high bigint;
    taken int;
begin
    if not pg_try_advisory_xact_lock(7303014, 2) then return 0; end if;
    low := (select through from eventstore.topic_directory);
    select max(position), count(*) into high, taken
    from (select position from eventstore.events where position > low order by position limit most) page;
    if taken = 0 then return 0; end if;
    with counted as materialized (
        select position / span as part, topic, count(*) as events, min(position) as first, max(position) as head
        from eventstore.events where position > low and position <= high group by 1, 2
    ), parts as (
        insert into eventstore.topic_parts as p (part, topic, events) select part, topic, events from counted
        on conflict (part, topic) do update set events = p.events + excluded.events
    )
    insert into eventstore.topics as t (topic, events, first, head)
    select topic, sum(events), min(first), max(head) from counted group by topic
    on conflict (topic) do update set events = t.events + excluded.events, head = excluded.head;
    update eventstore.topic_directory set through = high;
    return taken;
end $$;

-- Takes a dropped partition out of the directory; `number` counts partitions from 0.
create function eventstore.forget_partition(number bigint) returns void language plpgsql as $$
declare
    next bigint := (number + 1) * (select partition_span from eventstore.store);
begin
    perform pg_advisory_xact_lock(7303014, 2);
    delete from eventstore.topics t using eventstore.topic_parts p
    where p.part = number and p.topic = t.topic and t.events <= p.events;
    update eventstore.topics t set events = t.events - p.events, first = greatest(t.first, next)
    from eventstore.topic_parts p where p.part = number and p.topic = t.topic;
    delete from eventstore.topic_parts where part = number;
    update eventstore.topic_directory set through = greatest(through, next - 1);
end $$;

-- The newest visible position. What is listed has been visible, so only the partitions after that are looked into.
create or replace function eventstore.head() returns bigint language plpgsql stable as $$
declare
    listed bigint := (select through from eventstore.topic_directory);
begin
    return coalesce((select max(position) from eventstore.events where position > listed), listed);
end $$;

create or replace function eventstore.reset() returns void language plpgsql as $$
begin
    perform eventstore.lock_log(), pg_advisory_xact_lock(7303014, 2);
    truncate eventstore.events, eventstore.recent_ids, eventstore.outbox, eventstore.topics, eventstore.topic_parts;
    update eventstore.topic_directory set through = 0;
    update eventstore.store set id = gen_random_uuid(), created_at = now(), dropped_through = 0;
    alter sequence eventstore.position restart;
    perform pg_notify('eventstore', '');
end $$;
