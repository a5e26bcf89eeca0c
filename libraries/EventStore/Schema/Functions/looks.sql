-- Names what a look at the outbox sees at this moment, for unseen().
create or replace function eventstore.looks() returns text language plpgsql stable as $$
begin
    return concat_ws(' ', eventstore.fingerprint(), pg_current_snapshot());
end $$;
