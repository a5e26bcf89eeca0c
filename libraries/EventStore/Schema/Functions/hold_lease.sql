-- Takes or renews a lease. Returns its fence, higher for each new holder, or null while another process holds it.
create or replace function eventstore.hold_lease(lease text, by_holder text, ttl interval) returns bigint
language plpgsql as $$
declare
    current text := eventstore.begin_epoch();
    -- Each epoch has its own fences, a million higher, so that they exceed those of a lost server.
    least_fence bigint := (select (l.number - 1) * 1000000 + 1 from eventstore.lineage l where l.epoch = current);
    given bigint;
begin
    insert into eventstore.leases as l values (lease, by_holder, least_fence, clock_timestamp() + ttl, ttl)
    on conflict (name) do update
    set holder = excluded.holder, expires_at = excluded.expires_at, granted_for = excluded.granted_for,
        fence = case
            when l.holder = excluded.holder and l.expires_at > clock_timestamp() then l.fence
            else greatest(l.fence + 1, least_fence)
        end
    -- An expiry more than ten times the lease's own time ahead was granted before the clock was set back.
    where l.holder = excluded.holder or l.expires_at < clock_timestamp()
        or l.expires_at > clock_timestamp() + 10 * coalesce(l.granted_for, ttl)
    returning l.fence into given;
    return given;
end $$;
