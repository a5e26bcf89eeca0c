-- Partitions that have left the log and are still on disk.
create or replace function eventstore.detached_partitions() returns setof text language sql stable as $$
    select c.relname::text from pg_class c
    where c.relnamespace = 'eventstore'::regnamespace and c.relkind = 'r' and not c.relispartition
        and c.relname ~ '^events_[0-9]{9,}$'
$$;
