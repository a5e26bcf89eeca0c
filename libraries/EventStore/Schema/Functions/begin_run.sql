-- Starts a run for a writer. False if the run has a writer already, or if the writer's lease has expired.
create or replace function eventstore.begin_run(run_begun text, by_writer uuid, with_will jsonb) returns boolean
language plpgsql as $$
declare
    -- First, since it may lock the log.
    in_epoch text := eventstore.begin_epoch();
begin
    -- Locked until commit: a sweep that finds this writer dead then sees its new run too.
    perform from eventstore.run_writers w where w.id = by_writer and w.expires_at > clock_timestamp() for key share;
    if not found then return false; end if;
    insert into eventstore.runs (run, writer, will, epoch) values (run_begun, by_writer, with_will, in_epoch)
    on conflict do nothing;
    return found;
end $$;
