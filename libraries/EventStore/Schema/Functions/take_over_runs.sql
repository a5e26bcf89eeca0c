-- Gives a writer the runs without a process whose handlers it knows, each with an event `restarted` and the number of
-- the attempt, and returns them. What their former writers still append is refused.
create or replace function eventstore.take_over_runs(by_writer uuid, known_handlers text[]) returns text[]
language plpgsql as $$
declare
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    in_epoch text;
    taken text[];
    texts text[];
    first bigint;
begin
    if not exists (select from eventstore.runs r where r.writer = nobody and r.handler = any (known_handlers)) then
        return '{}';
    end if;
    perform eventstore.lock_log();
    in_epoch := eventstore.begin_epoch();
    -- A writer that was swept just now gets nothing.
    if not exists (select from eventstore.run_writers w where w.id = by_writer) then return '{}'; end if;
    with mine as (
        update eventstore.runs r
        set writer = by_writer, attempt = r.attempt + 1, started_at = clock_timestamp(), epoch = in_epoch
        where r.writer = nobody and r.handler = any (known_handlers)
        returning r.run, r.attempt
    )
    select array_agg(m.run), array_agg(format('{"attempt":%s}', m.attempt)) into taken, texts from mine m;
    if taken is null then return '{}'; end if;
    first := eventstore.take_positions(cardinality(taken));
    insert into eventstore.events (position, id, topic, type, key, data, time)
    select first + e.ord - 1, gen_random_uuid(), e.topic, 'restarted', null, e.data, clock_timestamp()
    from unnest(taken, texts) with ordinality as e(topic, data, ord);
    perform pg_notify('eventstore', '');
    return taken;
end $$;
