-- Starts the next partition early once the current one is larger than max_bytes; returns whether it did. The skipped
-- positions are never used, which is harmless: ids are opaque, and nothing counts by positions.
create or replace function eventstore.roll_partition(max_bytes bigint) returns boolean language plpgsql as $$
declare
    span bigint := (select partition_span from eventstore.store);
    current bigint;
begin
    if not exists (
        select from eventstore.partitions() p where p.number = eventstore.head() / span and p.bytes > max_bytes
    ) then return false; end if;
    set local lock_timeout = '1s';
    perform eventstore.lock_log();
    current := (select case when is_called then last_value else 0 end from eventstore.position) / span;
    if not exists (select from eventstore.partitions() p where p.number = current and p.bytes > max_bytes) then
        return false;
    end if;
    perform eventstore.ensure_partition((current + 1) * span);
    perform setval('eventstore.position', (current + 1) * span - 1);
    return true;
end $$;
