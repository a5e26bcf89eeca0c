-- Ends runs for their writers: appends each run's closing events (`will`), unless the database refuses them
-- (move_rows.sql), deletes its row, and returns the runs ended. The caller holds the log's lock.
create or replace function eventstore.end_by_will(runs_ended text[]) returns text[] language plpgsql as $$
declare
    ended text[];
    topics text[];
    types text[];
    keys text[];
    texts text[];
    first bigint;
    half int := cardinality(runs_ended) / 2;
    state text;
    rule text;
    context text;
begin
    set constraints all immediate;
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
exception when others or assert_failure then
    get stacked diagnostics state = returned_sqlstate, rule = constraint_name, context = pg_exception_context;
    if not eventstore.is_of_data(state, rule, context) then raise; end if;
    if half > 0 then
        return eventstore.end_by_will(runs_ended[:half]) || eventstore.end_by_will(runs_ended[half + 1:]);
    end if;
    raise warning 'The closing events of the run % are refused: %', runs_ended[1], sqlerrm;
    delete from eventstore.runs where run = runs_ended[1];
    return runs_ended;
end $$;
