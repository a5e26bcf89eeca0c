-- Takes up to `most` more events into the directory of topics and returns how many; 0 also while another session does.
create or replace function eventstore.list_topics(most int) returns int language plpgsql as $$
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
