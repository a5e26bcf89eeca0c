-- Before an append writes to a partition it is looked for, not only where positions begin one: who took those may have been rolled back, which
-- the sequence is not, and a crash makes the sequence skip some.
create or replace function eventstore.take_positions(n int) returns bigint language plpgsql as $$
declare
    first bigint := nextval('eventstore.position');
    last bigint := first + n - 1;
    span bigint := (select partition_span from eventstore.store);
begin
    if n > 1 then perform setval('eventstore.position', last); end if;
    for number in first / span .. last / span loop perform eventstore.ensure_partition(number * span); end loop;
    return first;
end $$;

-- Made as a table, then attached: that waits for no reader. As `partition of` it would take the whole log for itself, and every append would wait
-- for a backup to end.
create or replace function eventstore.ensure_partition(at bigint) returns void language plpgsql as $$
declare
    span bigint := (select partition_span from eventstore.store);
    low bigint := (at / span) * span;
    name text := 'events_' || to_char(at / span, 'FM000000000');
begin
    if to_regclass('eventstore.' || name) is not null then return; end if;
    execute format('create table eventstore.%I (like eventstore.events including all)', name);
    execute format('alter table eventstore.events attach partition eventstore.%I for values from (%s) to (%s)', name, low, low + span);
end $$;
