-- The events of a topic after one position and through another one, for `order by topic, position limit …`. Not
-- `where topic = … order by position limit …`: by some statistics Postgres then walks the whole log along the primary
-- key until it meets the topic. Postgres inlines this function; an argument must not be a subquery, or it would not.
create or replace function eventstore.events_of(of_topic text, after bigint default -1,
    through bigint default 9223372036854775807)
returns setof eventstore.events language sql stable as $$
    select * from eventstore.events e
    where (e.topic, e.position) > (of_topic, after) and (e.topic, e.position) <= (of_topic, through)
$$;
