-- The outbox's rows that an earlier look could not see: those of transactions that were running, or had not begun.
--   look    What looks() returned then; any other text, or one of another server, for all rows.
--   most    Maximum rows of the running and of the new transactions, each.
create or replace function eventstore.unseen(look text, most int) returns table (ordinal bigint, writer xid8)
language plpgsql stable set enable_seqscan = off as $$
declare
    -- Another server's transactions have other numbers.
    seen pg_snapshot := case when look like eventstore.fingerprint() || ' %' then split_part(look, ' ', 2)
        else '1:1:' end;
begin
    return query
        (select o.ordinal, o.writer from eventstore.outbox o where o.writer >= pg_snapshot_xmax(seen)
            order by o.writer limit most)
        union all
        (select o.ordinal, o.writer from eventstore.outbox o where o.writer = any (array(select pg_snapshot_xip(seen)))
            order by o.writer limit most);
end $$;
