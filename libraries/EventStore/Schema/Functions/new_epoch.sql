-- Starts a new epoch and keeps every event; readers get a resync. For an operator who put back a cluster's files as
-- they once were (a snapshot, without recovery to a new timeline): positions will be given twice, and nothing else
-- tells readers.
create or replace function eventstore.new_epoch() returns text language plpgsql as $$
begin
    perform eventstore.lock_log();
    return eventstore.record_epoch(null, 0);
end $$;
