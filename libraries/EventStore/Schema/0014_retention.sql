-- What is too old leaves the log step by step (EventStore/Retention.cs): retired here, then detached without holding anybody up
-- (DETACH … CONCURRENTLY, which no function can do), then dropped. A step that waits for a long reader is finished by a later run.
create function eventstore.partitions(out number bigint, out name text, out detaching boolean, out bytes bigint) returns setof record
language sql stable as $$
    -- Null where it is another table's: the planner may ask for it before it joins.
    select substring(c.relname from '^events_([0-9]+)$')::bigint, c.relname::text, i.inhdetachpending, pg_total_relation_size(c.oid)
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'eventstore.events'::regclass
$$;

-- Partitions that have left the log and still lie on the disk.
create function eventstore.detached_partitions() returns setof text language sql stable as $$
    select c.relname::text from pg_class c
    where c.relnamespace = 'eventstore'::regnamespace and c.relkind = 'r' and not c.relispartition and c.relname ~ '^events_[0-9]{9,}$'
$$;

-- Readers are told from here on that what stands in these partitions is gone: the oldest, whose newest event is older than max_age, and
-- those beyond max_bytes in all. Never the one that holds the head. Returns how many.
create function eventstore.retire_partitions(max_age interval, max_bytes bigint) returns int language plpgsql as $$
declare
    part record;
    newest timestamptz;
    span bigint := (select partition_span from eventstore.store);
    kept bigint := (select dropped_through from eventstore.store);
    total bigint := (select sum(p.bytes) from eventstore.partitions() p where (p.number + 1) * span - 1 > kept);
    retired int := 0;
begin
    for part in
        select * from eventstore.partitions() p
        where (p.number + 1) * span - 1 > kept and p.number < eventstore.head() / span order by p.number
    loop
        execute format('select time from eventstore.%I order by position desc limit 1', part.name) into newest;
        exit when coalesce(newest > clock_timestamp() - max_age, false) and total <= max_bytes;
        total := total - part.bytes;
        update eventstore.store set dropped_through = (part.number + 1) * span - 1;
        perform eventstore.forget_partition(part.number);
        retired := retired + 1;
    end loop;
    return retired;
end $$;

-- Retired partitions that are still part of the log, oldest first.
create function eventstore.retired_partitions(out name text, out detaching boolean) returns setof record language sql stable as $$
    select p.name, p.detaching from eventstore.partitions() p, eventstore.store s
    where (p.number + 1) * s.partition_span - 1 <= s.dropped_through order by p.detaching desc, p.number
$$;

-- Where the partition that is being written has grown beyond max_bytes the next positions are those of the next one: a partition holds
-- a range of positions of any size. The positions between are never given; ids are opaque, and nobody counts by them.
create function eventstore.roll_partition(max_bytes bigint) returns boolean language plpgsql as $$
declare
    span bigint := (select partition_span from eventstore.store);
    current bigint;
begin
    if not exists (select from eventstore.partitions() p where p.number = eventstore.head() / span and p.bytes > max_bytes) then return false; end if;
    set local lock_timeout = '1s';
    perform eventstore.lock_log();
    current := (select case when is_called then last_value else 0 end from eventstore.position) / span;
    if not exists (select from eventstore.partitions() p where p.number = current and p.bytes > max_bytes) then return false; end if;
    perform eventstore.ensure_partition((current + 1) * span);
    perform setval('eventstore.position', (current + 1) * span - 1);
    return true;
end $$;

-- For a Broadcaster of the version before: what it would do here takes the log for itself.
create or replace function eventstore.drop_old(max_age interval, max_bytes bigint) returns int language sql as $$ select 0 $$;

-- As in 0011; what retention has not finished is finished here, or its tables would stand in the way of those that begin anew. Locks are
-- taken in the order in which relays (outbox, log) and readers (topics, events) take theirs, or one would wait for the other for ever.
create or replace function eventstore.reset() returns void language plpgsql as $$
declare
    part text;
begin
    perform pg_advisory_xact_lock(7303014, 3);
    lock table eventstore.outbox in access exclusive mode;
    perform eventstore.lock_log(), pg_advisory_xact_lock(7303014, 2);
    lock table eventstore.topics, eventstore.topic_parts in access exclusive mode;
    for part in select p.name from eventstore.partitions() p where p.detaching loop
        execute format('alter table eventstore.events detach partition eventstore.%I finalize', part);
    end loop;
    for part in select eventstore.detached_partitions() loop
        execute format('drop table eventstore.%I', part);
    end loop;
    truncate eventstore.events, eventstore.recent_ids, eventstore.outbox, eventstore.topics, eventstore.topic_parts;
    update eventstore.topic_directory set through = 0;
    update eventstore.store set id = gen_random_uuid(), created_at = now(), dropped_through = 0;
    alter sequence eventstore.position restart;
    perform pg_notify('eventstore', '');
end $$;
