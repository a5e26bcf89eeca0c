-- The name of this history of positions. A server that was promoted, copied or restored has none until begin_epoch()
-- has recorded it; an earlier read fails with SSE01, and its caller records it (StoreAccess.cs).
create or replace function eventstore.epoch() returns text language plpgsql stable as $$
declare
    here text := eventstore.fingerprint();
    newest record;
begin
    select l.epoch, l.fingerprint into newest from eventstore.lineage l order by l.number desc limit 1;
    if newest.fingerprint = here then return newest.epoch; end if;
    raise exception 'This server has no epoch yet. Record it by "select eventstore.begin_epoch()".'
        using errcode = 'SSE01';
end $$;
