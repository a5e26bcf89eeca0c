-- Takes a retired partition out of the directory of topics. `number` counts partitions from 0.
create or replace function eventstore.forget_partition(number bigint) returns void language plpgsql as $$
declare
    next bigint := (number + 1) * (select partition_span from eventstore.store);
begin
    perform pg_advisory_xact_lock(7303014, 2);
    delete from eventstore.topics t using eventstore.topic_parts p
    where p.part = number and p.topic = t.topic and t.events <= p.events;
    update eventstore.topics t set events = t.events - p.events, first = greatest(t.first, next)
    from eventstore.topic_parts p where p.part = number and p.topic = t.topic;
    delete from eventstore.topic_parts where part = number;
    -- The head stays where it is, although its event goes.
    update eventstore.topic_directory set through = greatest(through, least(next - 1, eventstore.head()));
end $$;
