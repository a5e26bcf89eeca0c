-- Moves up to n committed outbox rows into the log, in the order they were written, and invalid ones into
-- outbox_refused; returns the number of rows that left the outbox, and a text for each refused one. Moves nothing
-- unless the caller's fence is the lease's: a deposed leader has a lower one.
create or replace function eventstore.move_outbox(lease text, fence_held bigint, n int, out moved int,
    out refused text[]) language plpgsql as $$
declare
    chosen bigint[];
    ordinals bigint[];
    bad bigint[];
    first bigint;
begin
    moved := 0;
    refused := '{}';
    -- About 256 kB of data, as in a group commit, since all publishers wait. Chosen before the log is locked: while a
    -- backup runs, the search passes all rows that were deleted since it began.
    select array_agg(p.ordinal) into chosen from (
        select o.ordinal, sum(o.bytes) over (order by o.ordinal) - o.bytes as before
        from (select ordinal, octet_length(data) as bytes from eventstore.outbox order by ordinal limit n) o
    ) p where p.before < 262144;
    if chosen is null then return; end if;
    perform eventstore.lock_log();
    if not exists (select from eventstore.leases l where l.name = lease and l.fence = fence_held) then return; end if;
    select array_agg(o.ordinal order by o.ordinal) into ordinals
    from (select ordinal from eventstore.outbox where ordinal = any (chosen) for update skip locked) o;
    if ordinals is null then return; end if;
    moved := cardinality(ordinals);
    with aside as (
        insert into eventstore.outbox_refused
        select o.*, r.reason from eventstore.outbox o, eventstore.refusal(o.topic, o.type, o.key, o.data) as r(reason)
        where o.ordinal = any (ordinals) and r.reason is not null
        returning *
    )
    select array_agg(ordinal), coalesce(array_agg(format('row %s, topic %s: %s', ordinal, topic, reason)), '{}')
    into bad, refused from aside;
    delete from eventstore.outbox where ordinal = any (bad);
    ordinals := array(
        select o from unnest(ordinals) with ordinality as t(o, ord) where bad is null or o <> all (bad) order by ord);
    if ordinals = '{}' then return; end if;
    first := eventstore.take_positions(cardinality(ordinals));
    insert into eventstore.events
    select first + t.ord - 1, o.id, o.topic, o.type, o.key, o.data, o.traceparent, clock_timestamp()
    from unnest(ordinals) with ordinality as t(ordinal, ord) join eventstore.outbox o using (ordinal);
    delete from eventstore.outbox where ordinal = any (ordinals);
    perform pg_notify('eventstore', '');
end $$;
