-- An event of a megabyte is compressed while its batch has the log to itself: LZ4 takes a fraction of pglz's time for it. Where Postgres was
-- built without LZ4 it stays as it was. Partitions to come have it from the table.
do $$
declare
    part regclass;
begin
    for part in select 'eventstore.events'::regclass union all select inhrelid::regclass from pg_inherits where inhparent = 'eventstore.events'::regclass loop
        execute format('alter table %s alter column data set compression lz4', part);
    end loop;
exception when feature_not_supported or invalid_parameter_value or syntax_error then
    raise notice 'This Postgres has no LZ4: large events are compressed with pglz.';
end $$;
