-- Retired partitions that are still attached to the log: half-detached ones first, then the oldest first.
create or replace function eventstore.retired_partitions(out name text, out detaching boolean) returns setof record
language sql stable as $$
    select p.name, p.detaching from eventstore.partitions() p, eventstore.store s
    where (p.number + 1) * s.partition_span - 1 <= s.dropped_through order by p.detaching desc, p.number
$$;
