-- Cancels a run on any replica: the notification reaches every replica, and the one that writes the run stops it.
-- False if no such run is open.
create or replace function eventstore.cancel_run(run_cancelled text) returns boolean language plpgsql as $$
begin
    update eventstore.runs set cancelled = true where run = run_cancelled;
    if not found then return false; end if;
    perform pg_notify('eventstore_runs', run_cancelled);
    return true;
end $$;
