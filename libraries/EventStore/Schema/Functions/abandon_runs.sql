-- Ends runs whose writer is alive but does not work on them, because the answer to their start or end was lost, and
-- returns those it ended; younger runs than `age` stay, because a session's next turn has the same topic and writer.
-- Frees the idempotency keys of runs that were announced when they began, so that the request can be made again; the
-- key of a session stays.
create or replace function eventstore.abandon_runs(abandoned text[], by_writer uuid, age interval default '0')
returns text[] language plpgsql as $$
declare
    ended text[];
    turns text[];
begin
    perform eventstore.lock_log();
    turns := array(
        select r.run from eventstore.runs r cross join lateral (
            select e.time from eventstore.events_of(r.run || '.log') e order by e.topic, e.position limit 1
        ) announcement
        where r.run = any (abandoned) and r.writer = by_writer and announcement.time < r.started_at);
    ended := eventstore.end_by_will(array(
        select run from eventstore.runs
        where run = any (abandoned) and writer = by_writer and started_at < clock_timestamp() - age));
    delete from eventstore.idempotency_keys
    where answer = any (array(select split_part(run, '.', 2) from unnest(ended) as e(run)
        where run <> all (turns)));
    return ended;
end $$;
