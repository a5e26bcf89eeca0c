-- True if a partition takes no more events: it is larger than max_bytes, or its oldest event is older than max_age.
create or replace function eventstore.is_full(part bigint, max_bytes bigint, max_age interval) returns boolean
language sql stable as $$
    select exists (select from eventstore.partitions() p where p.number = part and p.bytes > max_bytes)
        or coalesce((
            select e.time < clock_timestamp() - max_age from eventstore.events e
            where e.position >= part * s.partition_span and e.position < (part + 1) * s.partition_span
            order by e.position limit 1
        ), false)
    from eventstore.store s
$$;
