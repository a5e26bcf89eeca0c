-- Deletes the rows beside the log that are older than max_age, and those that nothing asks for after a day (their time
-- is in docs/personal-data.md). Returns the number of refused outbox rows among them, which nobody has corrected.
create or replace function eventstore.forget_rows(max_age interval) returns bigint language plpgsql as $$
declare
    -- Times of this function, not of each row: a volatile clock would keep the indexes from being used.
    old constant timestamptz := clock_timestamp() - max_age;
    of_yesterday constant timestamptz := clock_timestamp() - interval '24 hours';
    refused bigint;
begin
    delete from eventstore.recent_ids where time < greatest(old, of_yesterday);
    delete from eventstore.idempotency_keys where created_at < greatest(old, of_yesterday);
    -- No data of persons, but needed for the whole day.
    delete from eventstore.lost_appends where refused_at < of_yesterday;
    delete from eventstore.ticket_holders where told_at < of_yesterday;
    delete from eventstore.readers where seen_at < old;
    delete from eventstore.outbox_refused where refused_at < old;
    get diagnostics refused = row_count;
    return refused;
end $$;
