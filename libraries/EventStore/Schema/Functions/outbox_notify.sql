-- Wakes the Broadcaster after a commit that wrote outbox rows.
create or replace function eventstore.outbox_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('eventstore_outbox', '');
    return null;
end $$;

create or replace trigger outbox_wakes_the_relay after insert on eventstore.outbox
    for each statement execute function eventstore.outbox_notify();
