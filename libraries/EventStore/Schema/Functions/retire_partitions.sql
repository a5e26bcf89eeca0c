-- The first step of retention (Log/Retention.cs detaches and drops): moves store.dropped_through past the partitions
-- whose newest event is older than max_age, and past the oldest that exceed max_bytes in all, but never past the
-- head's. Returns their number; from here on readers get an "expired" resync.
create or replace function eventstore.retire_partitions(max_age interval, max_bytes bigint) returns int
language plpgsql as $$
declare
    part record;
    newest timestamptz;
    span bigint := (select partition_span from eventstore.store);
    kept bigint := (select dropped_through from eventstore.store);
    -- With the tables beside the log, which leave the log at least a quarter.
    total bigint := least(eventstore.bytes_beside_log(), max_bytes / 4 * 3)
        + (select sum(p.bytes) from eventstore.partitions() p where (p.number + 1) * span - 1 > kept);
    retired int := 0;
begin
    for part in
        select * from eventstore.partitions() p
        where (p.number + 1) * span - 1 > kept and p.number < eventstore.head() / span order by p.number
    loop
        -- By the log, as a partition has no rights of its own.
        select e.time into newest from eventstore.events e
        where e.position >= part.number * span and e.position < (part.number + 1) * span
        order by e.position desc limit 1;
        exit when coalesce(newest > clock_timestamp() - max_age, false) and total <= max_bytes;
        total := total - part.bytes;
        update eventstore.store set dropped_through = (part.number + 1) * span - 1;
        perform eventstore.forget_partition(part.number);
        retired := retired + 1;
    end loop;
    return retired;
end $$;
