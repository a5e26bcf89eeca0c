-- Names this history of positions. It changes when the store is created or reset (store.id), restored into another
-- cluster or database (system identifier, oid), or promoted (timeline). Ids of another epoch are answered by a resync.
create or replace function eventstore.epoch() returns text language plpgsql stable as $$
begin
    return (
        select substr(md5(concat_ws('/', s.id, c.system_identifier, d.oid,
            substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))), 1, 10)
        from eventstore.store s, pg_control_system() c, pg_database d where d.datname = current_database()
    );
end $$;
