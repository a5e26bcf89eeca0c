-- Starts an epoch. The caller holds lock_log().
create or replace function eventstore.record_epoch(with_parent text, last_common bigint) returns text
language plpgsql as $$
declare
    named text := substr(md5(gen_random_uuid()::text), 1, 10);
begin
    insert into eventstore.lineage (number, epoch, fingerprint, parent, common)
    select coalesce(max(l.number), 0) + 1, named, eventstore.fingerprint(), with_parent, last_common
    from eventstore.lineage l;
    -- Without a parent no former epoch is shared.
    if with_parent is null then delete from eventstore.lineage l where l.epoch <> named; end if;
    perform pg_notify('eventstore', '');
    return named;
end $$;
