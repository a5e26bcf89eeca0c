-- Starts and announces a run, as begin_announced_run() does, whose work is a handler's: see take_over_runs().
create or replace function eventstore.begin_handled_run(run_begun text, by_writer uuid, with_will jsonb,
    announcement text, trace text, by_handler text, with_input text, most_attempts int,
    out begun boolean, out announced_at bigint, out in_epoch text) language plpgsql as $$
begin
    select b.begun, b.announced_at, b.in_epoch into begun, announced_at, in_epoch
    from eventstore.begin_announced_run(run_begun, by_writer, with_will, announcement, trace) b;
    if begun then
        update eventstore.runs set handler = by_handler, input = with_input, attempts = most_attempts
        where run = run_begun;
    end if;
end $$;
