-- Takes n positions, records the epoch if it is new, and returns the first position. The caller holds lock_log() until
-- it commits, so positions become visible in order.
create or replace function eventstore.take_positions(n int) returns bigint language plpgsql as $$
declare
    first bigint := nextval('eventstore.position');
    last bigint := first + n - 1;
    span bigint := (select partition_span from eventstore.store);
begin
    perform eventstore.begin_epoch();
    if n > 1 then perform setval('eventstore.position', last); end if;
    -- Every time: a rolled-back transaction or a crash can leave the sequence in a partition that was never made.
    for number in first / span .. last / span loop perform eventstore.ensure_partition(number * span); end loop;
    return first;
end $$;
