-- Deletes every event and starts a new epoch, so readers get a resync. Takes locks in the order of relays (outbox, log)
-- and of readers (topics, events): another order could deadlock with them.
create or replace function eventstore.reset() returns void language plpgsql as $$
declare
    part text;
begin
    perform pg_advisory_xact_lock(7303014, 3);
    lock table eventstore.outbox in access exclusive mode;
    perform eventstore.lock_log(), pg_advisory_xact_lock(7303014, 2);
    lock table eventstore.topics, eventstore.topic_parts in access exclusive mode;
    -- Finishes what retention has begun, or its tables would collide with the new ones.
    for part in select p.name from eventstore.partitions() p where p.detaching loop
        execute format('alter table eventstore.events detach partition eventstore.%I finalize', part);
    end loop;
    for part in select eventstore.detached_partitions() loop
        execute format('drop table eventstore.%I', part);
    end loop;
    truncate eventstore.events, eventstore.recent_ids, eventstore.outbox, eventstore.topics, eventstore.topic_parts;
    update eventstore.topic_directory set through = 0;
    update eventstore.store set created_at = now(), dropped_through = 0;
    alter sequence eventstore.position restart;
    perform eventstore.record_epoch(null, 0);
end $$;
