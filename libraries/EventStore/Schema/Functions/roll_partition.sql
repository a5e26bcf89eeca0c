-- Starts the next partition early once the current one is full (is_full.sql); returns whether it did. The skipped
-- positions are never used, which is harmless: ids are opaque, and nothing counts by positions.
create or replace function eventstore.roll_partition(max_bytes bigint, max_age interval default null) returns boolean
language plpgsql as $$
declare
    span bigint := (select partition_span from eventstore.store);
    current bigint;
begin
    if not eventstore.is_full(eventstore.current_partition(), max_bytes, max_age) then return false; end if;
    set local lock_timeout = '1s';
    perform eventstore.lock_log();
    current := eventstore.current_partition();
    if not eventstore.is_full(current, max_bytes, max_age) then return false; end if;
    perform eventstore.ensure_partition((current + 1) * span);
    -- A transaction that was rolled back may have left the sequence further on.
    perform setval('eventstore.position', greatest((current + 1) * span - 1, p.last_value)) from eventstore.position p;
    return true;
end $$;
