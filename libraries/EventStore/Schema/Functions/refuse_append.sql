-- Decides, for its writer, about a run append that got no answer: false if it is stored. Otherwise append() refuses it
-- from now on, should the request arrive late, and the writer sends the events again under other ids.
--   first_id    Id of the append's first event.
--   known       Position of an event of the run, or of the log before the run: the append's events follow it. A long
--               topic is not searched from its beginning while all publishers wait.
create or replace function eventstore.refuse_append(run_written text, first_id uuid, known bigint default 0)
returns boolean language plpgsql as $$
begin
    -- Waits for an append that is being committed.
    perform eventstore.lock_log();
    if exists (select from eventstore.events_of(run_written, known) e where e.id = first_id) then
        -- A commit that writes nothing does not wait for a synchronous standby, see append().
        perform pg_logical_emit_message(true, 'eventstore', '');
        return false;
    end if;
    insert into eventstore.lost_appends (id) values (first_id) on conflict do nothing;
    return true;
end $$;
