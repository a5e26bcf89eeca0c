-- Moves up to n committed outbox rows into the log, in the order they were written, and refused ones into
-- outbox_refused; returns the number of rows that left the outbox, and a text for each refused one. Moves nothing
-- unless the caller's fence is the lease's: a deposed leader has a lower one.
--   look    The result `looked` of the call before, which saw no row that is still there; '' without one, and after a
--           crash of Postgres, which may number transactions again.
create or replace function eventstore.move_outbox(lease text, fence_held bigint, n int, look text default '',
    out moved int, out refused text[], out looked text) language plpgsql
    -- Rows come by their numbers, also in joins: the planner takes the table for an empty one, but a whole scan of it
    -- or of an index passes what was deleted.
    set enable_seqscan = off as $$
declare
    sees text := eventstore.looks();
    waiting bigint[];
    is_all boolean;
    chosen bigint[];
    ordinals bigint[];
    fresh bigint[];
    digests bytea[];
begin
    moved := 0;
    refused := '{}';
    looked := look;
    -- More rows than a batch are taken in order, by a search that passes all rows deleted since the oldest transaction
    -- began, such as a backup. So they are chosen before the log is locked.
    waiting := array(select u.ordinal from eventstore.unseen(look, n + 1) u);
    is_all := cardinality(waiting) <= n;
    if not is_all then waiting := array(select ordinal from eventstore.outbox order by ordinal limit n); end if;
    -- About 256 kB of data, as in a group commit, since all publishers wait.
    with sized as materialized (
        select o.ordinal, octet_length(o.data) as bytes from eventstore.outbox o where o.ordinal = any (waiting)
    )
    select array_agg(p.ordinal) into chosen
    from (select s.ordinal, sum(s.bytes) over (order by s.ordinal) - s.bytes as before from sized s) p
    where p.before < 262144;
    if chosen is null then
        if is_all then looked := sees; end if;
        return;
    end if;
    perform eventstore.lock_log();
    if not exists (select from eventstore.leases l where l.name = lease and l.fence = fence_held) then return; end if;
    select array_agg(o.ordinal order by o.ordinal) into ordinals
    from (select ordinal from eventstore.outbox where ordinal = any (chosen) for update skip locked) o;
    if ordinals is null then return; end if;
    moved := cardinality(ordinals);
    if is_all and moved = cardinality(waiting) then looked := sees; end if;
    -- A row that repeats the id and the content of an event of the last 24 hours is dropped: its writer did not get the
    -- answer of its commit, and wrote it again. The digest is that of an append (EventAppender.Request.Digest).
    with input as (
        select o.ordinal, o.id, eventstore.refusal(o.topic, o.type, o.key, o.data) as reason,
            sha256(convert_to(concat_ws(e'\n', o.topic, o.type, case when o.key is null then 'False' else 'True' end,
                coalesce(o.key, ''), o.data), 'UTF8')) as digest
        from eventstore.outbox o where o.ordinal = any (ordinals)
    ), valid as (
        select i.ordinal, i.digest, coalesce(r.digest, first_value(i.digest) over same) as first_digest,
            r.id is not null or row_number() over same > 1 as is_known
        from input i left join eventstore.recent_ids r on r.id = i.id
        where i.reason is null
        window same as (partition by i.id order by i.ordinal)
    ), aside as (
        insert into eventstore.outbox_refused
        select o.ordinal, o.id, o.topic, o.type, o.key, o.data, o.traceparent,
            coalesce(i.reason, 'the id was used for an event with other content')
        from eventstore.outbox o join input i using (ordinal) left join valid v using (ordinal)
        where o.ordinal = any (ordinals) and (i.reason is not null or v.digest <> v.first_digest)
        returning *
    )
    select (select array_agg(v.ordinal order by v.ordinal) from valid v where not v.is_known),
        (select array_agg(v.digest order by v.ordinal) from valid v where not v.is_known),
        coalesce(array_agg(format('row %s, topic %s: %s', ordinal, topic, reason)), '{}')
    into fresh, digests, refused from aside;
    if fresh is not null then
        refused := refused
            || eventstore.move_rows(fresh, digests, eventstore.take_positions(cardinality(fresh)));
        perform pg_notify('eventstore', '');
    end if;
    delete from eventstore.outbox where ordinal = any (ordinals);
end $$;
