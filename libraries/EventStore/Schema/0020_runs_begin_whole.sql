-- A run begins and is announced in one transaction: a process that dies in between would leave a run that nobody can
-- find, or an announcement that nobody ends. Announced_at is null where the writer's lease is gone; begun is false
-- where the run was announced before.
create function eventstore.begin_announced_run(run_begun text, by_writer uuid, with_will jsonb, announcement text,
    trace text, out begun boolean, out announced_at bigint, out in_epoch text) language plpgsql as $$
begin
    begun := false;
    -- Before the writer's row, as the sweep takes them: the other order could end in a deadlock with it.
    perform eventstore.lock_log();
    in_epoch := eventstore.epoch();
    select e.position into announced_at from eventstore.events e
    where e.topic = run_begun || '.log' order by e.position limit 1;
    if announced_at is not null then return; end if;
    begun := eventstore.begin_run(run_begun, by_writer, with_will);
    if not begun then return; end if;
    announced_at := eventstore.take_positions(1);
    insert into eventstore.events (position, id, topic, type, key, data, traceparent, time)
    values (announced_at, gen_random_uuid(), run_begun || '.log', 'announced', null, announcement, trace,
        clock_timestamp());
    perform pg_notify('eventstore', '');
end $$;

-- Ends runs in their writer's place, each with its will. The caller holds the log's lock. Returns those that went on.
create function eventstore.end_by_will(runs_ended text[]) returns text[] language plpgsql as $$
declare
    ended text[];
    topics text[];
    types text[];
    keys text[];
    texts text[];
    first bigint;
begin
    with gone as (delete from eventstore.runs where run = any (runs_ended) returning run, will),
    words as (
        select g.run, w.value ->> 'type' as type, w.value ->> 'key' as key, w.value ->> 'data' as data
        from gone g cross join lateral jsonb_array_elements(g.will) with ordinality as w(value, ord)
        order by g.run, w.ord
    )
    select array_agg(run), array_agg(type), array_agg(key), array_agg(data), (select array_agg(run) from gone)
    into topics, types, keys, texts, ended from words;
    if topics is not null then
        first := eventstore.take_positions(cardinality(topics));
        insert into eventstore.events (position, id, topic, type, key, data, time)
        select first + e.ord - 1, gen_random_uuid(), e.topic, e.type, e.key, e.data, clock_timestamp()
        from unnest(topics, types, keys, texts) with ordinality as e(topic, type, key, data, ord);
        perform pg_notify('eventstore', '');
    end if;
    return coalesce(ended, '{}');
end $$;

create or replace function eventstore.sweep_runs() returns text[] language plpgsql as $$
declare
    dead uuid[];
begin
    if not exists (select from eventstore.run_writers where expires_at < clock_timestamp()) then return '{}'; end if;
    perform eventstore.lock_log();
    with gone as (delete from eventstore.run_writers where expires_at < clock_timestamp() returning id)
    select array_agg(id) into dead from gone;
    return eventstore.end_by_will(array(select run from eventstore.runs where writer = any (dead)));
end $$;

-- Ends runs of a living writer that has no work for them: a begin whose answer was lost, an end that failed. Their keys
-- are given back, so that the request can be made again.
create function eventstore.abandon_runs(abandoned text[], by_writer uuid) returns text[] language plpgsql as $$
declare
    ended text[];
begin
    perform eventstore.lock_log();
    ended := eventstore.end_by_will(array(
        select run from eventstore.runs where run = any (abandoned) and writer = by_writer));
    delete from eventstore.idempotency_keys
    where answer in (select split_part(run, '.', 2) from unnest(ended) as e(run));
    return ended;
end $$;

-- Requests that may be sent again (Idempotency-Key): of whom, with which content, and the id that the first was given.
create table eventstore.idempotency_keys (
    owner text collate "C" not null,
    key text collate "C" not null,
    digest bytea not null,
    answer text collate "C" not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (owner, key)
);
create index idempotency_keys_created_at on eventstore.idempotency_keys (created_at);

-- Gives the key to the first request that names it, and its id to every later one. Same is false where the content was
-- another. Of expired keys each call forgets a few.
create function eventstore.claim_key(by_owner text, claimed text, with_digest bytea, with_answer text, kept interval,
    out same boolean, out first_answer text) language plpgsql as $$
begin
    delete from eventstore.idempotency_keys k using (
        select owner, key from eventstore.idempotency_keys where created_at < clock_timestamp() - kept
        order by created_at limit 100 for update skip locked
    ) old where k.owner = old.owner and k.key = old.key;
    insert into eventstore.idempotency_keys as k (owner, key, digest, answer)
    values (by_owner, claimed, with_digest, with_answer)
    on conflict (owner, key) do update
    set digest = excluded.digest, answer = excluded.answer, created_at = excluded.created_at
    where k.created_at < clock_timestamp() - kept;
    select k.digest = with_digest, k.answer into same, first_answer from eventstore.idempotency_keys k
    where k.owner = by_owner and k.key = claimed;
end $$;
