-- The first step of retention (Log/Retention.cs detaches and drops): moves store.dropped_through to the newest event
-- of the partitions whose events are all older than max_age, and of the oldest that exceed max_bytes in all, but that
-- of the head only by its age, and never the current one. Returns their number; from here on readers before these
-- events get an "expired" resync.
create or replace function eventstore.retire_partitions(max_age interval, max_bytes bigint) returns int
language plpgsql as $$
declare
    part record;
    newest record;
    span bigint := (select partition_span from eventstore.store);
    kept bigint := (select dropped_through from eventstore.store);
    current bigint := eventstore.current_partition();
    -- With the tables beside the log, which leave the log at least a quarter.
    total bigint := least(eventstore.bytes_beside_log(), max_bytes / 4 * 3)
        + (select sum(p.bytes) from eventstore.partitions() p where kept = 0 or p.number > kept / span);
    retired int := 0;
    is_last boolean;
begin
    for part in
        select * from eventstore.partitions() p
        where (kept = 0 or p.number > kept / span) and p.number < current order by p.number
    loop
        is_last := part.number >= eventstore.head() / span;
        -- An append may be about to commit there.
        if is_last then perform eventstore.lock_log(); end if;
        -- By the log, as a partition has no rights of its own.
        select e.position, e.time into newest from eventstore.events e
        where e.position >= part.number * span and e.position < (part.number + 1) * span
        order by e.position desc limit 1;
        continue when newest is null;
        exit when newest.time > clock_timestamp() - max_age and (is_last or total <= max_bytes);
        total := total - part.bytes;
        update eventstore.store set dropped_through = newest.position;
        perform eventstore.forget_partition(part.number);
        retired := retired + 1;
    end loop;
    return retired;
end $$;
