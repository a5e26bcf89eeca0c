-- Runs: topics that one process writes from a beginning to an end (a generation, an agent's answer). A row stands for a run that goes
-- on; its end, whoever writes it, deletes the row in the same transaction. So a run ends exactly once, and nothing is written after it.
create table eventstore.run_writers (
    id uuid primary key,
    replica text not null,
    expires_at timestamptz not null
);

create table eventstore.runs (
    run text collate "C" primary key,     -- the topic of its events
    writer uuid not null,
    -- Events that end the run in its writer's place when that dies: [{"type","data","key"?}].
    will jsonb not null,
    cancelled boolean not null default false,
    started_at timestamptz not null default clock_timestamp()
);
create index runs_writer on eventstore.runs (writer);

-- False where the run goes on already, or the writer's lease is gone.
create function eventstore.begin_run(run_begun text, by_writer uuid, with_will jsonb) returns boolean language plpgsql as $$
begin
    -- Held until commit: a sweep that takes this writer for dead sees the run too.
    perform from eventstore.run_writers w where w.id = by_writer and w.expires_at > clock_timestamp() for key share;
    if not found then return false; end if;
    insert into eventstore.runs (run, writer, will) values (run_begun, by_writer, with_will) on conflict do nothing;
    return found;
end $$;

-- Asks a run's writer to stop. False where no such run goes on.
create function eventstore.cancel_run(run_cancelled text) returns boolean language plpgsql as $$
begin
    update eventstore.runs set cancelled = true where run = run_cancelled;
    if not found then return false; end if;
    perform pg_notify('eventstore_runs', run_cancelled);
    return true;
end $$;

-- Ends the runs of writers whose lease has expired, with their wills. Returns those runs.
create function eventstore.sweep_runs() returns text[] language plpgsql as $$
declare
    dead uuid[];
    ended text[];
    topics text[];
    types text[];
    keys text[];
    texts text[];
    first bigint;
begin
    if not exists (select from eventstore.run_writers where expires_at < clock_timestamp()) then return '{}'; end if;
    perform eventstore.lock_log();
    with gone as (delete from eventstore.run_writers where expires_at < clock_timestamp() returning id)
    select array_agg(id) into dead from gone;
    with gone as (delete from eventstore.runs where writer = any (dead) returning run, will),
    words as (
        select g.run, w.value ->> 'type' as type, w.value ->> 'key' as key, w.value ->> 'data' as data
        from gone g cross join lateral jsonb_array_elements(g.will) with ordinality as w(value, ord) order by g.run, w.ord
    )
    select array_agg(run), array_agg(type), array_agg(key), array_agg(data), (select array_agg(run) from gone) into topics, types, keys, texts, ended from words;
    if topics is not null then
        first := eventstore.take_positions(cardinality(topics));
        insert into eventstore.events (position, id, topic, type, key, data, time)
        select first + e.ord - 1, gen_random_uuid(), e.topic, e.type, e.key, e.data, clock_timestamp()
        from unnest(topics, types, keys, texts) with ordinality as e(topic, type, key, data, ord);
        perform pg_notify('eventstore', '');
    end if;
    return coalesce(ended, '{}');
end $$;

-- Appends a batch in one round trip. Events of one group (one request) go in together or, on an id conflict, not at all: their
-- positions are null then. digests[i] is null for an event without a publisher's id. Fenced: an event with a writer goes in only while
-- that writer's run goes on; one that ends the run deletes its row. writers is null where no event of the batch is of a run.
create function eventstore.append(groups int[], ids uuid[], digests bytea[], topics text[], types text[], keys text[], data text[],
    traceparents text[], writers uuid[], ends boolean[], out positions bigint[], out committed_at timestamptz) language plpgsql as $$
declare
    n int := cardinality(ids);
    first bigint;
    fresh int[];
    fenced int[] := '{}';
begin
    perform eventstore.lock_log();
    committed_at := clock_timestamp();
    if writers is not null then
        select coalesce(array_agg(distinct e.grp), '{}') into fenced from unnest(groups, topics, writers) as e(grp, topic, writer)
        where e.writer is not null and not exists (select from eventstore.runs r where r.run = e.topic and r.writer = e.writer);
        delete from eventstore.runs r using unnest(groups, topics, writers, ends) as e(grp, topic, writer, ends)
        where e.ends and r.run = e.topic and r.writer = e.writer and e.grp <> all (fenced);
    end if;
    if fenced = '{}' and array_remove(digests, null) = '{}' then
        first := eventstore.take_positions(n);
        insert into eventstore.events
        select first + e.ord - 1, e.id, e.topic, e.type, e.key, e.data, e.traceparent, committed_at
        from unnest(ids, topics, types, keys, data, traceparents) with ordinality as e(id, topic, type, key, data, traceparent, ord);
        select array_agg(g order by g) into positions from generate_series(first, first + n - 1) g;
    else
        with input as (
            select * from unnest(groups, ids, digests) with ordinality as e(grp, id, digest, ord)
        ), known as (
            select i.ord, i.grp, r.position, r.digest = i.digest as same
            from input i join eventstore.recent_ids r on r.id = i.id and i.digest is not null
        ), refused as (
            select grp from known where not same union select unnest(fenced)
        )
        select array_agg(case when x.grp is null then k.position end order by i.ord),
               array_agg(i.ord::int order by i.ord) filter (where x.grp is null and k.ord is null)
        into positions, fresh
        from input i left join known k on k.ord = i.ord left join refused x on x.grp = i.grp;

        if fresh is null then return; end if;
        first := eventstore.take_positions(cardinality(fresh));
        for i in 1 .. cardinality(fresh) loop positions[fresh[i]] := first + i - 1; end loop;
        insert into eventstore.events
        select positions[e.ord], e.id, e.topic, e.type, e.key, e.data, e.traceparent, committed_at
        from unnest(ids, topics, types, keys, data, traceparents) with ordinality as e(id, topic, type, key, data, traceparent, ord)
        where e.ord = any (fresh);
        insert into eventstore.recent_ids
        select e.id, e.digest, positions[e.ord], committed_at
        from unnest(ids, digests) with ordinality as e(id, digest, ord) where e.ord = any (fresh) and e.digest is not null;
    end if;
    perform pg_notify('eventstore', '');
end $$;
