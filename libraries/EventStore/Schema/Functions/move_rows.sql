-- Stores outbox rows as events at `first` and the positions after it, and returns a text for each row that the
-- database refuses, which goes to outbox_refused: an operator's constraint or trigger concerns its row alone, so a
-- refused batch is tried again in halves. Deferred ones are checked here, for at the commit no row could be set aside.
create or replace function eventstore.move_rows(ordinals bigint[], digests bytea[], first bigint) returns text[]
language plpgsql as $$
declare
    half int := cardinality(ordinals) / 2;
    state text;
    rule text;
    context text;
begin
    set constraints all immediate;
    insert into eventstore.events
    select first + t.ord - 1, o.id, o.topic, o.type, o.key, o.data, o.traceparent, clock_timestamp()
    from unnest(ordinals) with ordinality as t(ordinal, ord) join eventstore.outbox o using (ordinal)
    where o.ordinal = any (ordinals);
    insert into eventstore.recent_ids
    select o.id, t.digest, first + t.ord - 1, clock_timestamp()
    from unnest(ordinals, digests) with ordinality as t(ordinal, digest, ord) join eventstore.outbox o using (ordinal)
    where o.ordinal = any (ordinals);
    return '{}';
exception when others or assert_failure then
    get stacked diagnostics state = returned_sqlstate, rule = constraint_name, context = pg_exception_context;
    if not eventstore.is_of_data(state, rule, context) then raise; end if;
    if half > 0 then
        return eventstore.move_rows(ordinals[:half], digests[:half], first)
            || eventstore.move_rows(ordinals[half + 1:], digests[half + 1:], first + half);
    end if;
    insert into eventstore.outbox_refused
    select o.ordinal, o.id, o.topic, o.type, o.key, o.data, o.traceparent, sqlerrm
    from eventstore.outbox o where o.ordinal = ordinals[1];
    return array(select format('row %s, topic %s: %s', o.ordinal, o.topic, sqlerrm)
        from eventstore.outbox o where o.ordinal = ordinals[1]);
end $$;
