-- Ends, by their wills, runs that a living writer does not work on, because an answer to its begin or its end was lost.
-- Frees their idempotency keys, so that the request can be made again. Returns the runs that it ended. Runs that began
-- less than an age ago stay: a session's next turn has the topic and the writer of the one before it.
create or replace function eventstore.abandon_runs(abandoned text[], by_writer uuid, age interval default '0')
returns text[] language plpgsql as $$
declare
    ended text[];
begin
    perform eventstore.lock_log();
    ended := eventstore.end_by_will(array(
        select run from eventstore.runs
        where run = any (abandoned) and writer = by_writer and started_at < clock_timestamp() - age));
    delete from eventstore.idempotency_keys
    where answer = any (array(select split_part(run, '.', 2) from unnest(ended) as e(run)));
    return ended;
end $$;
