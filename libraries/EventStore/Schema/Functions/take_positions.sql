-- Takes n positions, records the epoch if it is new, and returns the first position. The caller holds lock_log() until
-- it commits, so positions become visible in order.
create or replace function eventstore.take_positions(n int) returns bigint language plpgsql as $$
begin
    perform eventstore.begin_epoch();
    return eventstore.next_positions(n);
end $$;
