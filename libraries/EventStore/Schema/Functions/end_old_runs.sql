-- Ends the runs that have been open for longer than max_age, with their closing events, and returns their number: their
-- input is not kept for longer than the log keeps events. What their writers still append is refused.
create or replace function eventstore.end_old_runs(max_age interval) returns int language plpgsql as $$
declare
    old constant timestamptz := clock_timestamp() - max_age;
begin
    if not exists (select from eventstore.runs where begun_at < old) then return 0; end if;
    perform eventstore.lock_log();
    perform eventstore.begin_epoch();
    return cardinality(eventstore.end_by_will(array(select run from eventstore.runs where begun_at < old)));
end $$;
