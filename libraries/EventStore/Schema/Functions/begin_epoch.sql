-- Returns the epoch. On a promoted standby, a copy or a restored backup it records a new one first: a child of the
-- newest, which shares every position up to the head. take_positions() calls it, so no event of the new epoch precedes
-- that record. Earlier records stay, so that an id of a dropped position is "expired" whatever its epoch.
create or replace function eventstore.begin_epoch() returns text language plpgsql as $$
declare
    here text := eventstore.fingerprint();
    newest record;
begin
    select l.number, l.epoch, l.fingerprint into newest from eventstore.lineage l order by l.number desc limit 1;
    if newest.fingerprint = here then return newest.epoch; end if;
    perform eventstore.lock_log();
    select l.number, l.epoch, l.fingerprint into newest from eventstore.lineage l order by l.number desc limit 1;
    if newest.fingerprint = here then return newest.epoch; end if;
    -- This server's clock may be ahead of the former one's, so every living writer gets time to renew.
    update eventstore.run_writers set expires_at = clock_timestamp() + interval '10 seconds';
    return eventstore.record_epoch(newest.epoch, eventstore.head());
end $$;
