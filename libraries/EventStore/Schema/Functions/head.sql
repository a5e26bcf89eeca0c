-- The newest visible position. Listed positions are visible, so only partitions after topic_directory.through are read.
-- Not max(): where Postgres takes a partition for empty, it would read all of it.
create or replace function eventstore.head() returns bigint language plpgsql stable as $$
declare
    listed bigint := (select through from eventstore.topic_directory);
begin
    return coalesce(
        (select position from eventstore.events where position > listed order by position desc limit 1),
        listed);
end $$;
