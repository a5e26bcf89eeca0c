-- Ends runs for their writers: appends each run's closing events (`will`), deletes its row, and returns the runs ended.
-- The caller holds the log's lock. A run whose closing events the database refuses (move_rows.sql) ends without them.
create or replace function eventstore.end_by_will(runs_ended text[]) returns text[] language plpgsql as $$
declare
    ended text[];
    topics text[];
    types text[];
    keys text[];
    texts text[];
    first bigint;
    half int := cardinality(runs_ended) / 2;
    rule text;
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
exception when data_exception or integrity_constraint_violation or program_limit_exceeded or raise_exception then
    get stacked diagnostics rule = constraint_name;
    if sqlstate = '23514' and rule = '' then raise; end if;
    if half > 0 then
        return eventstore.end_by_will(runs_ended[:half]) || eventstore.end_by_will(runs_ended[half + 1:]);
    end if;
    raise warning 'The closing events of the run % are refused: %', runs_ended[1], sqlerrm;
    delete from eventstore.runs where run = runs_ended[1];
    return runs_ended;
end $$;
