-- The ends of a topic whose events are numbered, and the event with a number, all null without one; `start` is before
-- the oldest event. Reads a row for each halving of the topic's range of positions, wherever the event is.
--   sought      The member `id` of the data, which counts up from event to event; retention removes the lowest.
create or replace function eventstore.numbered(of_topic text, sought bigint,
    out start bigint, out oldest bigint, out newest bigint, out at bigint) language plpgsql stable as $$
declare
    low bigint;
    high bigint;
    middle bigint;
    found_at bigint;
    found_number bigint;
begin
    select e.position - 1, (e.data::jsonb ->> 'id')::bigint into start, oldest
    from eventstore.events_of(of_topic) e order by e.topic, e.position limit 1;
    select e.position, (e.data::jsonb ->> 'id')::bigint into high, newest
    from eventstore.events_of(of_topic) e order by e.topic desc, e.position desc limit 1;
    if sought = newest then
        at := high;
    elsif sought between oldest and newest then
        -- The event is after low, and at high or before it.
        low := start;
        while low < high loop
            middle := (low + high) / 2;
            select e.position, (e.data::jsonb ->> 'id')::bigint into found_at, found_number
            from eventstore.events_of(of_topic, middle) e order by e.topic, e.position limit 1;
            if found_number < sought then
                low := found_at;
            elsif found_number > sought then
                high := middle;
            else
                if found_number = sought then at := found_at; end if;
                return;
            end if;
        end loop;
    end if;
end $$;
