-- Stores outbox rows as events at `first` and the positions after it, and returns a text for each row that the
-- database refuses, which goes to outbox_refused: an operator's constraint or trigger concerns its row alone, so a
-- refused batch is tried again in halves.
create or replace function eventstore.move_rows(ordinals bigint[], digests bytea[], first bigint) returns text[]
language plpgsql as $$
declare
    half int := cardinality(ordinals) / 2;
    rule text;
begin
    insert into eventstore.events
    select first + t.ord - 1, o.id, o.topic, o.type, o.key, o.data, o.traceparent, clock_timestamp()
    from unnest(ordinals) with ordinality as t(ordinal, ord) join eventstore.outbox o using (ordinal);
    insert into eventstore.recent_ids
    select o.id, t.digest, first + t.ord - 1, clock_timestamp()
    from unnest(ordinals, digests) with ordinality as t(ordinal, digest, ord) join eventstore.outbox o using (ordinal);
    return '{}';
exception when data_exception or integrity_constraint_violation or program_limit_exceeded or raise_exception then
    get stacked diagnostics rule = constraint_name;
    -- A missing partition is no fault of a row.
    if sqlstate = '23514' and rule = '' then raise; end if;
    if half > 0 then
        return eventstore.move_rows(ordinals[:half], digests[:half], first)
            || eventstore.move_rows(ordinals[half + 1:], digests[half + 1:], first + half);
    end if;
    insert into eventstore.outbox_refused select o.*, sqlerrm from eventstore.outbox o where o.ordinal = ordinals[1];
    return array(select format('row %s, topic %s: %s', o.ordinal, o.topic, sqlerrm)
        from eventstore.outbox o where o.ordinal = ordinals[1]);
end $$;
