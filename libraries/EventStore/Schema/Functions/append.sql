-- Appends a batch, given as arrays with one element per event, in one round trip. Positions are taken
-- (next_positions.sql) under a lock that is held until the commit (lock_log.sql), so the log is read in the order of
-- its commits.
--   groups      Events of one group (one request) are stored together, or not at all when one of them is refused.
--   digests     Digest of the content; null for an event whose id is not the publisher's.
--   writers     The run writer of an event; null for an event of no run. The array is null if no event is of a run.
--               Stored only while the run has this writer (the fence). In a new epoch the writer must confirm the
--               run first; lost appends are refused (refuse_append.sql).
--   ends        True for an event that ends its run: the run's row is deleted.
--   direct      True if the caller publishes the new events itself; the notification then names the last one, and the
--               relay waits a little before it reads what it has not heard.
-- Results:
--   positions       One per event, in the order given; null for a refused group. A retry gets its first position.
--   first_position  Events at or after it are new, those before it are retries. Null if nothing was stored.
--   epoch           The epoch of all positions.
--   previous        The position of the event before the first new one, which may be lower than its own by more than 1:
--                   rolled-back appends leave gaps. Only if it is direct, because it costs a look at the log.
create or replace function eventstore.append(groups int[], ids uuid[], digests bytea[], topics text[], types text[],
    keys text[], data text[], traceparents text[], writers uuid[], ends boolean[], direct boolean default false,
    out positions bigint[], out committed_at timestamptz, out first_position bigint, out epoch text,
    out previous bigint) language plpgsql as $$
declare
    n int := cardinality(ids);
    fresh int[];
    fenced int[] := '{}';
begin
    perform eventstore.lock_log();
    committed_at := clock_timestamp();
    epoch := eventstore.begin_epoch();
    if direct then previous := eventstore.head(); end if;
    if writers is not null then
        select coalesce(array_agg(distinct e.grp), '{}') into fenced
        from unnest(groups, topics, writers) as e(grp, topic, writer)
        where e.writer is not null
            and not exists (
                select from eventstore.runs r
                where r.run = e.topic and r.writer = e.writer and coalesce(r.epoch, append.epoch) = append.epoch
            );
        -- A statement of its own, since the table is almost always empty.
        if exists (select from eventstore.lost_appends) then
            fenced := fenced || array(
                select e.grp from unnest(groups, ids, writers) as e(grp, id, writer)
                join eventstore.lost_appends l on l.id = e.id where e.writer is not null);
        end if;
        delete from eventstore.runs r using unnest(groups, topics, writers, ends) as e(grp, topic, writer, ends)
        where e.ends and r.run = e.topic and r.writer = e.writer and e.grp <> all (fenced);
    end if;

    -- The common case: nothing to compare and nothing to refuse.
    if fenced = '{}' and array_remove(digests, null) = '{}' then
        first_position := eventstore.next_positions(n);
        if n = 1 then
            -- A row of values costs half as much as one of arrays.
            insert into eventstore.events values
                (first_position, ids[1], topics[1], types[1], keys[1], data[1], traceparents[1], committed_at);
            positions := array[first_position];
        else
            insert into eventstore.events
            select first_position + e.ord - 1, e.id, e.topic, e.type, e.key, e.data, e.traceparent, committed_at
            from unnest(ids, topics, types, keys, data, traceparents)
                with ordinality as e(id, topic, type, key, data, traceparent, ord);
            positions := array(select generate_series(first_position, first_position + n - 1));
        end if;
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

        if fresh is null then
            -- A commit that writes nothing does not wait for a synchronous standby: a retry would be acknowledged
            -- although only this machine has the events.
            if array_remove(positions, null) <> '{}' then
                perform pg_logical_emit_message(true, 'eventstore', '');
            end if;
            return;
        end if;
        first_position := eventstore.next_positions(cardinality(fresh));
        for i in 1 .. cardinality(fresh) loop positions[fresh[i]] := first_position + i - 1; end loop;
        insert into eventstore.events
        select positions[e.ord], e.id, e.topic, e.type, e.key, e.data, e.traceparent, committed_at
        from unnest(ids, topics, types, keys, data, traceparents)
            with ordinality as e(id, topic, type, key, data, traceparent, ord)
        where e.ord = any (fresh);
        insert into eventstore.recent_ids
        select e.id, e.digest, positions[e.ord], committed_at
        from unnest(ids, digests) with ordinality as e(id, digest, ord)
        where e.ord = any (fresh) and e.digest is not null;
    end if;
    perform pg_notify('eventstore', case when direct then currval('eventstore.position')::text else '' end);
end $$;
