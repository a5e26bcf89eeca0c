-- The newest visible position. Reads only partitions after topic_directory.through, because listed positions are
-- visible; max() would read all of a partition that Postgres takes for empty.
create or replace function eventstore.head() returns bigint language plpgsql stable as $$
declare
    listed bigint := (select through from eventstore.topic_directory);
begin
    return coalesce(
        (select position from eventstore.events where position > listed order by position desc limit 1),
        listed);
end $$;
