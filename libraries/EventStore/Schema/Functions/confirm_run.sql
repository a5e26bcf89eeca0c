-- Lets a writer continue its run in a new epoch: true if the log has the last event that it wrote (null: none yet).
-- If that event was lost with the former server, ends the run with its closing events and returns false; false too for
-- a run that has ended, or belongs to another writer.
--   known       Position of that event or of one before it, where the search for it begins.
create or replace function eventstore.confirm_run(run_confirmed text, by_writer uuid, last_written uuid,
    known bigint default 0) returns boolean language plpgsql as $$
begin
    perform eventstore.lock_log();
    if not exists (select from eventstore.runs r where r.run = run_confirmed and r.writer = by_writer) then
        return false;
    end if;
    if last_written is not null and not exists (
        select from eventstore.events_of(run_confirmed, known - 1) e where e.id = last_written
    ) then
        perform eventstore.end_by_will(array[run_confirmed]);
        return false;
    end if;
    update eventstore.runs r set epoch = eventstore.begin_epoch() where r.run = run_confirmed;
    return true;
end $$;
