-- For an operator who put the files of a cluster back as they once were (a snapshot, without recovery to a new timeline): positions will
-- be given a second time, and nothing but this says so. Keeps every event; readers are told by a resync.
create function eventstore.new_epoch() returns text language plpgsql as $$
begin
    perform eventstore.lock_log();
    update eventstore.store set id = gen_random_uuid();
    perform pg_notify('eventstore', '');
    return eventstore.epoch();
end $$;
