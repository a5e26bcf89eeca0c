-- Starts a run and announces it in its log (`<run>.log`) in one transaction. A crash between two transactions would
-- leave a run without an announcement, or the reverse. begun is false for a run that was announced before;
-- announced_at is null if the writer's lease has expired.
create or replace function eventstore.begin_announced_run(run_begun text, by_writer uuid, with_will jsonb,
    announcement text, trace text, out begun boolean, out announced_at bigint, out in_epoch text)
language plpgsql as $$
begin
    begun := false;
    -- Locks the log before the writer's row, as sweep_runs does: the other order could deadlock with it.
    perform eventstore.lock_log();
    in_epoch := eventstore.begin_epoch();
    select e.position into announced_at from eventstore.events_of(run_begun || '.log') e
    order by e.topic, e.position limit 1;
    if announced_at is not null then return; end if;
    begun := eventstore.begin_run(run_begun, by_writer, with_will);
    if not begun then return; end if;
    announced_at := eventstore.take_positions(1);
    insert into eventstore.events (position, id, topic, type, key, data, traceparent, time)
    values (announced_at, gen_random_uuid(), run_begun || '.log', 'announced', null, announcement, trace,
        clock_timestamp());
    perform pg_notify('eventstore', '');
end $$;
