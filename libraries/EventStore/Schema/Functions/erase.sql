-- Erases the events and outbox rows of topics, of all topics below them, and of ids, and records who did it and why. A
-- position stays empty, and the ids in recent_ids stay spent.
--   open_runs   Open runs among the topics: with one, nothing is erased.
--   unknown     Given topics and ids of which nothing is stored, and which no earlier erasure names.
create or replace function eventstore.erase(of_topics text[], of_ids uuid[], by_whom text, why text,
    out number bigint, out events bigint, out outbox_rows bigint, out open_runs text[], out unknown text[])
language plpgsql as $$
declare
    most constant int := 100000;
    span bigint := (select partition_span from eventstore.store);
    listed bigint;
    known text[];
    known_ids uuid[];
    more text[];
    more_ids uuid[];
begin
    -- One erasure at a time, and none beside retention, which takes partitions off the log.
    perform pg_advisory_xact_lock(7303014, 3);
    open_runs := array(select r.run from eventstore.runs r where eventstore.is_below(r.run, of_topics) order by r.run);
    if open_runs <> '{}' then return; end if;

    -- Before the log: a row that is being moved is an event when this statement has waited for it.
    with waiting as (
        delete from eventstore.outbox o where o.id = any (of_ids) or eventstore.is_below(o.topic, of_topics)
        returning o.id, o.topic
    ), refused as (
        delete from eventstore.outbox_refused o where o.id = any (of_ids) or eventstore.is_below(o.topic, of_topics)
        returning o.id, o.topic
    ), gone as (select * from waiting union all select * from refused)
    select count(*), coalesce(array_agg(distinct topic), '{}'), coalesce(array_agg(id), '{}')
    into outbox_rows, known, known_ids from gone;

    -- The directory of topics finds the events, and keeps the head of the log, whose event may go (head.sql).
    perform pg_advisory_xact_lock(7303014, 2);
    loop
        exit when eventstore.list_topics(most) < most;
    end loop;
    listed := (select through from eventstore.topic_directory);
    with gone as (
        delete from eventstore.events e
        where e.position <= listed and e.topic = any (array(
            select t.topic from eventstore.topics t where eventstore.is_below(t.topic, of_topics)))
        returning e.id, e.topic
    )
    select count(*), coalesce(array_agg(distinct topic), '{}'), coalesce(array_agg(id), '{}')
    into events, more, more_ids from gone;
    known := known || more;
    known_ids := known_ids || more_ids;
    -- No index has the ids, so this passes the whole log.
    if of_ids <> '{}' then
        with gone as (
            delete from eventstore.events e where e.id = any (of_ids) and e.position <= listed returning e.id, e.topic
        )
        select events + count(*), more || coalesce(array_agg(distinct topic), '{}'),
            known_ids || coalesce(array_agg(id), '{}')
        into events, more, known_ids from gone;
    end if;

    delete from eventstore.topic_parts p where p.topic = any (more);
    delete from eventstore.topics t where t.topic = any (more);
    with kept as materialized (
        select e.position / span as part, e.topic, count(*) as events, min(e.position) as first, max(e.position) as head
        from eventstore.events e where e.topic = any (more) and e.position <= listed group by 1, 2
    ), parts as (
        insert into eventstore.topic_parts select k.part, k.topic, k.events from kept k
    )
    insert into eventstore.topics
    select k.topic, sum(k.events), min(k.first), max(k.head) from kept k group by k.topic;

    unknown := array(
        select t from unnest(of_topics) t
        where not exists (select from unnest(known) f where eventstore.is_below(f, array[t]))
            and not exists (select from eventstore.erasures x where t = any (x.topics))
        union all
        select i::text from unnest(of_ids) i
        where i <> all (known_ids) and not exists (select from eventstore.erasures x where i = any (x.ids)));
    insert into eventstore.erasures (topics, ids, erased_by, reason, events, outbox_rows, through)
    values (of_topics, of_ids, by_whom, why, events, outbox_rows, listed)
    returning erasures.number into number;
    perform pg_notify('eventstore_erasures', listed::text);
end $$;
