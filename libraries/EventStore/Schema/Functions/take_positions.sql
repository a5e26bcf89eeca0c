-- Takes n positions and returns the first. Decides the order of events: the caller holds lock_log() until it commits,
-- so positions become visible in order. Records the epoch first where it is new. Partitions are checked every time: a
-- rolled-back transaction or a crash can leave the sequence inside a partition that was never made.
create or replace function eventstore.take_positions(n int) returns bigint language plpgsql as $$
declare
    first bigint := nextval('eventstore.position');
    last bigint := first + n - 1;
    span bigint := (select partition_span from eventstore.store);
begin
    perform eventstore.begin_epoch();
    if n > 1 then perform setval('eventstore.position', last); end if;
    for number in first / span .. last / span loop perform eventstore.ensure_partition(number * span); end loop;
    return first;
end $$;
