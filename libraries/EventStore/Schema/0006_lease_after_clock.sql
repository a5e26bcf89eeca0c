-- A lease that is held for longer than one can be was given before Postgres's clock was set back: its holder, where there still is one,
-- renews it within the second, and where it is gone nobody should wait for the clock to get there again. Ten times, since spares may be
-- set to shorter leases than the one that leads; whom it deposes wrongly has the lower fence.
create or replace function eventstore.hold_lease(lease text, by_holder text, ttl interval) returns bigint language sql as $$
    insert into eventstore.leases as l values (lease, by_holder, 1, clock_timestamp() + ttl)
    on conflict (name) do update
    set holder = excluded.holder, expires_at = excluded.expires_at,
        fence = case when l.holder = excluded.holder and l.expires_at > clock_timestamp() then l.fence else l.fence + 1 end
    where l.holder = excluded.holder or l.expires_at < clock_timestamp() or l.expires_at > clock_timestamp() + 10 * ttl
    returning fence
$$;
