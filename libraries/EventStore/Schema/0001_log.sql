-- The event log. One writer at a time (the advisory lock in append, 0002, and relay_outbox), so positions become visible in order:
-- nobody reads 12 and then sees an 11 appear. Positions may have gaps (a rolled-back batch), never duplicates.
create table eventstore.store (
    one boolean primary key default true check (one),
    id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now(),
    -- Retention has dropped everything up to here; who stands before it has missed something.
    dropped_through bigint not null default 0,
    -- Positions of one partition; retention drops partitions whole.
    partition_span bigint not null default 1000000 check (partition_span > 0)
);
insert into eventstore.store default values;

create sequence eventstore.position as bigint;

create table eventstore.events (
    position bigint not null,
    id uuid not null,
    topic text collate "C" not null,
    type text collate "C" not null,
    key text collate "C",
    data text not null,
    traceparent text,
    time timestamptz not null,
    primary key (position)
) partition by range (position);
create index events_topic on eventstore.events (topic, position);

-- Ids that a publisher chose, kept for a day: a retry gets the first answer, other content is a conflict.
create table eventstore.recent_ids (
    id uuid primary key,
    digest bytea not null,
    position bigint not null,
    time timestamptz not null
);
create index recent_ids_time on eventstore.recent_ids (time);

-- Events that commit with their caller's transaction; the relay moves them into the log, so a slow transaction delays only its own.
create table eventstore.outbox (
    ordinal bigint generated always as identity primary key,
    id uuid not null default gen_random_uuid(),
    topic text not null,
    type text not null,
    key text,
    data text not null,
    traceparent text
);

create table eventstore.leases (
    name text primary key,
    holder text not null,
    fence bigint not null,
    expires_at timestamptz not null
);

-- The epoch names this history of positions. It changes when the store is created or reset (its uuid), restored into another
-- cluster or database (system identifier, oid), or promoted (timeline). Ids of another epoch are answered with a resync.
create function eventstore.epoch() returns text language sql stable as $$
    select substr(md5(concat_ws('/', s.id, c.system_identifier, d.oid, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))), 1, 10)
    from eventstore.store s, pg_control_system() c, pg_database d where d.datname = current_database()
$$;

-- The newest visible position. Never the sequence's: that runs ahead of commits.
create function eventstore.head() returns bigint language sql stable as $$
    select coalesce(max(position), 0) from eventstore.events
$$;

-- A partition holds a fixed range of positions; retention drops it whole.
create function eventstore.ensure_partition(at bigint) returns void language plpgsql as $$
declare
    span bigint := (select partition_span from eventstore.store);
    low bigint := (at / span) * span;
    name text := 'events_' || to_char(at / span, 'FM000000000');
begin
    if to_regclass('eventstore.' || name) is null then
        execute format('create table eventstore.%I partition of eventstore.events for values from (%s) to (%s)', name, low, low + span);
    end if;
end $$;
select eventstore.ensure_partition(0);

-- Takes n positions; the caller holds the log's lock.
create function eventstore.take_positions(n int) returns bigint language plpgsql as $$
declare
    first bigint := nextval('eventstore.position');
    last bigint := first + n - 1;
    span bigint := (select partition_span from eventstore.store);
begin
    if n > 1 then perform setval('eventstore.position', last); end if;
    if first = 1 or n >= span or first / span <> last / span or last % span < n then
        for at in first / span .. last / span loop perform eventstore.ensure_partition(at * span); end loop;
    end if;
    return first;
end $$;

create function eventstore.lock_log() returns void language sql as $$ select pg_advisory_xact_lock(7303014, 1) $$;

-- Moves up to n committed outbox rows into the log, in the order they were written. The fence keeps a deposed leader out.
create function eventstore.relay_outbox(lease text, fence_held bigint, n int) returns int language plpgsql as $$
declare
    ordinals bigint[];
    first bigint;
begin
    if not exists (select from eventstore.outbox) then return 0; end if;
    perform eventstore.lock_log();
    if not exists (select from eventstore.leases l where l.name = lease and l.fence = fence_held) then return 0; end if;
    select array_agg(o.ordinal order by o.ordinal) into ordinals
    from (select ordinal from eventstore.outbox order by ordinal limit n for update skip locked) o;
    if ordinals is null then return 0; end if;
    first := eventstore.take_positions(cardinality(ordinals));
    insert into eventstore.events
    select first + t.ord - 1, o.id, o.topic, o.type, o.key, o.data, o.traceparent, clock_timestamp()
    from unnest(ordinals) with ordinality as t(ordinal, ord) join eventstore.outbox o using (ordinal);
    delete from eventstore.outbox where ordinal = any (ordinals);
    perform pg_notify('eventstore', '');
    return cardinality(ordinals);
end $$;

create function eventstore.outbox_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('eventstore_outbox', '');
    return null;
end $$;
create trigger outbox_wakes_the_relay after insert on eventstore.outbox for each statement execute function eventstore.outbox_notify();

-- Takes or renews a lease. Returns the fence while it is held by the caller, null otherwise. A new holder gets a higher fence.
create function eventstore.hold_lease(lease text, by_holder text, ttl interval) returns bigint language sql as $$
    insert into eventstore.leases as l values (lease, by_holder, 1, clock_timestamp() + ttl)
    on conflict (name) do update
    set holder = excluded.holder, expires_at = excluded.expires_at,
        fence = case when l.holder = excluded.holder and l.expires_at > clock_timestamp() then l.fence else l.fence + 1 end
    where l.holder = excluded.holder or l.expires_at < clock_timestamp()
    returning fence
$$;

-- Drops whole partitions, oldest first: those whose newest event is older than max_age, and those beyond max_bytes in all. Never the one
-- that is being written, nor one before it that would leave the log without its head. Forgets publishers' ids after a day.
create function eventstore.drop_old(max_age interval, max_bytes bigint) returns int language plpgsql as $$
declare
    part record;
    bytes bigint;
    newest timestamptz;
    span bigint := (select partition_span from eventstore.store);
    dropped int := 0;
begin
    delete from eventstore.recent_ids where time < clock_timestamp() - interval '24 hours';
    set local lock_timeout = '2s';
    select sum(pg_total_relation_size(inhrelid)) into bytes from pg_inherits where inhparent = 'eventstore.events'::regclass;
    for part in
        select c.oid, c.relname, substr(c.relname, 8)::bigint * span + span - 1 as last
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'eventstore.events'::regclass and substr(c.relname, 8)::bigint < eventstore.head() / span
        order by c.relname
    loop
        execute format('select time from eventstore.%I order by position desc limit 1', part.relname) into newest;
        exit when coalesce(newest > clock_timestamp() - max_age, false) and bytes <= max_bytes;
        bytes := bytes - pg_total_relation_size(part.oid);
        execute format('drop table eventstore.%I', part.relname);
        update eventstore.store set dropped_through = greatest(dropped_through, part.last);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;

-- Forgets every event. The new uuid makes a new epoch, so readers are told.
create function eventstore.reset() returns void language plpgsql as $$
begin
    perform eventstore.lock_log();
    truncate eventstore.events, eventstore.recent_ids, eventstore.outbox;
    update eventstore.store set id = gen_random_uuid(), created_at = now(), dropped_through = 0;
    alter sequence eventstore.position restart;
    perform pg_notify('eventstore', '');
end $$;

-- The stream servers that are there. Of no value after a crash, so not logged.
create unlogged table eventstore.replicas (
    name text primary key,
    state jsonb not null,
    seen_at timestamptz not null
);
