-- The number of the partition of the next position. Unless the caller has locked the log, appends may be under way in
-- the one before it.
create or replace function eventstore.next_partition() returns bigint language sql volatile as $$
    select case when p.is_called then p.last_value + 1 else p.last_value end / s.partition_span
    from eventstore.position p, eventstore.store s
$$;
