-- In PL/pgSQL, whose statements are planned once a session: an SQL function that is not inlined is parsed and planned anew at every call,
-- and these are called with each read and each append.
create or replace function eventstore.epoch() returns text language plpgsql stable as $$
begin
    return (select substr(md5(concat_ws('/', s.id, c.system_identifier, d.oid, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))), 1, 10)
        from eventstore.store s, pg_control_system() c, pg_database d where d.datname = current_database());
end $$;

create or replace function eventstore.head() returns bigint language plpgsql stable as $$
begin
    return coalesce((select max(position) from eventstore.events), 0);
end $$;

create or replace function eventstore.lock_log() returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7303014, 1);
end $$;
