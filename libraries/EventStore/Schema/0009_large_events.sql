-- An event of a megabyte is compressed while its batch has the log to itself: LZ4 takes a fraction of pglz's time for it. Where Postgres was
-- built without LZ4 it stays as it was. Partitions to come have it from the table. Who appends must not wait long behind this waiting for a lock.
do $$
declare
    part regclass;
begin
    for part in select inhrelid::regclass from pg_inherits where inhparent = 'eventstore.events'::regclass union all select 'eventstore.events'::regclass loop
        for try in 1 .. 20 loop
            begin
                set local lock_timeout = '500ms';
                execute format('alter table %s alter column data set compression lz4', part);
                exit;
            exception when lock_not_available or deadlock_detected then
                perform pg_sleep(0.5);
            end;
        end loop;
    end loop;
    set local lock_timeout = 0;
exception when feature_not_supported or invalid_parameter_value then
    raise notice 'This Postgres has no LZ4: large events are compressed with pglz.';
end $$;
