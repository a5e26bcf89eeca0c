-- Lets one transaction at a time write to the log, so that positions become visible in their order. In PL/pgSQL like
-- every function on the hot path, because its statements are planned once per session; those of an SQL function that is
-- not inlined are planned at every call.
create or replace function eventstore.lock_log() returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7303014, 1);
end $$;
