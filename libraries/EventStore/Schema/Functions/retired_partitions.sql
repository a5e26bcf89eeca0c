-- Retired partitions that are still attached to the log: half-detached ones first, then the oldest first.
create or replace function eventstore.retired_partitions(out name text, out detaching boolean) returns setof record
language sql stable as $$
    select p.name, p.detaching from eventstore.partitions() p, eventstore.store s
    where s.dropped_through > 0 and p.number <= s.dropped_through / s.partition_span order by p.detaching desc, p.number
$$;
