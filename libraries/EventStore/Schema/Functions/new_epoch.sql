-- Starts a new epoch and keeps every event; readers get a resync. For an operator who restored a cluster's files (a
-- snapshot, without recovery to a new timeline): its positions will be given a second time, which nothing else detects.
create or replace function eventstore.new_epoch() returns text language plpgsql as $$
begin
    perform eventstore.lock_log();
    return eventstore.record_epoch(null, 0);
end $$;
