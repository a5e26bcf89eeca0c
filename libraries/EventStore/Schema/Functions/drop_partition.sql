-- Drops a retired partition for a role that does not own the log. Not `concurrently`, which no function can: all wait
-- with it for its readers, so it gives up after 0.3 s.
create or replace function eventstore.drop_partition(part text) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp set lock_timeout = '300ms' as $$
declare
    half boolean := (select r.detaching from eventstore.retired_partitions() r where r.name = part);
begin
    if half is not null then
        execute format('alter table eventstore.events detach partition eventstore.%I %s', part,
            case when half then 'finalize' end);
    elsif not exists (select from eventstore.detached_partitions() d where d = part) then
        raise exception 'Partition % is not retired', part;
    end if;
    execute format('drop table eventstore.%I', part);
end $$;
