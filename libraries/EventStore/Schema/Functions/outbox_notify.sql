-- Wakes the Broadcaster after a commit that wrote outbox rows. A commit with a notification makes all others wait until
-- it is on disk and on the standby, appends too: sessions that set eventstore.wakes_relay notify after their commit.
create or replace function eventstore.outbox_notify() returns trigger language plpgsql as $$
begin
    if current_setting('eventstore.wakes_relay', true) is distinct from 'itself' then
        perform pg_notify('eventstore_outbox', '');
    end if;
    return null;
end $$;

create or replace trigger outbox_wakes_the_relay after insert on eventstore.outbox
    for each statement execute function eventstore.outbox_notify();
