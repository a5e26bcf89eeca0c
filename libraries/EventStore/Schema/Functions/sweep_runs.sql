-- Ends the runs of writers whose lease has expired, with their closing events, and returns those runs. If the epoch is
-- new, records it first; living writers then have time to renew, since the former server's clock may have been behind.
--   by_writer   The caller's own writer, which is alive although its lease expires while Postgres stalls. Null: none.
create or replace function eventstore.sweep_runs(by_writer uuid default null) returns text[] language plpgsql as $$
declare
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    dead uuid[];
begin
    perform eventstore.begin_epoch();
    if not exists (
        select from eventstore.run_writers w where w.expires_at < clock_timestamp() and w.id is distinct from by_writer
    ) and not exists (
        select from eventstore.runs where writer = nobody and started_at < clock_timestamp() - interval '1 minute'
    ) then return '{}'; end if;
    perform eventstore.lock_log();
    with gone as (
        delete from eventstore.run_writers w
        where w.expires_at < clock_timestamp() and w.id is distinct from by_writer
        returning w.id
    )
    select array_agg(id) into dead from gone;
    -- Work that may be started again has a minute to be taken over (take_over_runs.sql); then its run ends too.
    update eventstore.runs set writer = nobody, started_at = clock_timestamp()
    where writer = any (dead) and handler is not null and attempt < attempts;
    return eventstore.end_by_will(array(
        select run from eventstore.runs where writer = any (dead)
            or writer = nobody and started_at < clock_timestamp() - interval '1 minute'));
end $$;
