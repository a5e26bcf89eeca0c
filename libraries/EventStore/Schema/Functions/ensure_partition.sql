-- Makes the partition of a position, as the log's owner, if it is missing. It is made as a table and then attached,
-- which waits for no reader; `create table ... partition of` locks the whole log, and every append would wait for a
-- backup to end.
create or replace function eventstore.ensure_partition(at bigint) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
declare
    span bigint := (select partition_span from eventstore.store);
    low bigint := (at / span) * span;
    name text := 'events_' || to_char(at / span, 'FM000000000');
begin
    if to_regclass('eventstore.' || name) is not null then return; end if;
    -- Whoever may append may call this.
    if at / span > (select last_value from eventstore.position) / span + 1 then
        raise exception 'Position % is not one of the next partition', at using errcode = 'SSE02';
    end if;
    execute format('create table eventstore.%I (like eventstore.events including all)', name);
    execute format('alter table eventstore.events attach partition eventstore.%I for values from (%s) to (%s)',
        name, low, low + span);
end $$;
