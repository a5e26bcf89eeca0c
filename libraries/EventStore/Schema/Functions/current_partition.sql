-- The number of the partition of the next position, or the last partition if that one is not made yet. Unless the
-- caller has locked the log, appends may be under way in the one before it.
create or replace function eventstore.current_partition() returns bigint language sql volatile as $$
    select least(case when p.is_called then p.last_value + 1 else p.last_value end / s.partition_span,
        (select max(number) from eventstore.partitions()))
    from eventstore.position p, eventstore.store s
$$;
