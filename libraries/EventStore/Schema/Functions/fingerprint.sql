-- Names the place where events are written: cluster, database, timeline, and the lineage table itself (a dump restored
-- into the same database creates another one). Fails on a standby.
create or replace function eventstore.fingerprint() returns text language plpgsql stable as $$
declare
    place text := current_setting('eventstore.place', true);
begin
    -- Kept by the session, because a read of pg_control costs; it cannot change while the session lives.
    if place is null or place = '' then
        select concat_ws('/', c.system_identifier, d.oid, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        into place from pg_control_system() c, pg_database d where d.datname = current_database();
        perform set_config('eventstore.place', place, false);
    end if;
    return place || '/' || 'eventstore.lineage'::regclass::oid;
end $$;
