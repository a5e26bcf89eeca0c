-- The events of a topic after one position and through another one, for `order by topic, position limit n`: ordered by
-- position alone, Postgres may walk the whole log until it meets the topic. It inlines this function only if no
-- argument is a subquery.
create or replace function eventstore.events_of(of_topic text, after bigint default -1,
    through bigint default 9223372036854775807)
returns setof eventstore.events language sql stable as $$
    select * from eventstore.events e
    where (e.topic, e.position) > (of_topic, after) and (e.topic, e.position) <= (of_topic, through)
$$;
