-- The newest visible position. Listed positions are visible, so only partitions after topic_directory.through are read.
create or replace function eventstore.head() returns bigint language plpgsql stable as $$
declare
    listed bigint := (select through from eventstore.topic_directory);
begin
    return coalesce((select max(position) from eventstore.events where position > listed), listed);
end $$;
