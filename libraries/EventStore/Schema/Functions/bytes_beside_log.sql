-- Size on disk of the tables that grow with the log, beside its partitions: the directory of topics and the ids of
-- publishers. A deleted row's space is used again, but stays in the size until `vacuum full`.
create or replace function eventstore.bytes_beside_log() returns bigint language sql stable as $$
    select pg_total_relation_size('eventstore.topics') + pg_total_relation_size('eventstore.topic_parts')
        + pg_total_relation_size('eventstore.recent_ids')
$$;
