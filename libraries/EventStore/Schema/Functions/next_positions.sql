-- Takes n positions, which have their partitions then, and returns the first one: take_positions() for a caller that
-- has called begin_epoch() itself.
create or replace function eventstore.next_positions(n int) returns bigint language plpgsql as $$
declare
    first bigint := nextval('eventstore.position');
    last bigint := first + n - 1;
    span bigint := (select partition_span from eventstore.store);
    -- The session keeps the partition that it has seen, because each look costs as much as an event's row. The setting
    -- ends with a transaction that is rolled back, as the partition does; another log has another table.
    seen text := concat_ws('/', 'eventstore.events'::regclass::oid, span, last / span);
begin
    if n > 1 then perform setval('eventstore.position', last); end if;
    if first / span = last / span and current_setting('eventstore.partition', true) = seen then return first; end if;
    -- Every time: a rolled-back transaction or a crash can leave the sequence in a partition that was never made.
    for number in first / span .. last / span loop perform eventstore.ensure_partition(number * span); end loop;
    perform set_config('eventstore.partition', seen, false);
    return first;
end $$;
