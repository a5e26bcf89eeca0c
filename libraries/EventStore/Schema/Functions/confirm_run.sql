-- Lets a writer continue its run in a new epoch: true if the log has the last event that it wrote (null: none yet).
-- Events lost with the former server would leave a gap, so such a run is ended by its will: false. Also false for a run
-- that has ended, or belongs to another writer.
create or replace function eventstore.confirm_run(run_confirmed text, by_writer uuid, last_written uuid)
returns boolean language plpgsql as $$
begin
    perform eventstore.lock_log();
    if not exists (select from eventstore.runs r where r.run = run_confirmed and r.writer = by_writer) then
        return false;
    end if;
    if last_written is not null and not exists (
        select from eventstore.events e where e.topic = run_confirmed and e.id = last_written
    ) then
        perform eventstore.end_by_will(array[run_confirmed]);
        return false;
    end if;
    update eventstore.runs r set epoch = eventstore.begin_epoch() where r.run = run_confirmed;
    return true;
end $$;
