-- The log's partitions: number from 0, table name, "being detached", size on disk in bytes.
create or replace function eventstore.partitions(out number bigint, out name text, out detaching boolean,
    out bytes bigint) returns setof record language sql stable as $$
    -- substring is null for other tables: the planner may compute it before it joins.
    select substring(c.relname from '^events_([0-9]+)$')::bigint, c.relname::text, i.inhdetachpending,
        pg_total_relation_size(c.oid)
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'eventstore.events'::regclass
$$;
