-- Signs what the Broadcaster publishes on Redis, so that nobody who can write there alone can pass for it. A row put in its place (32 bytes
-- or more) is in use everywhere after some seconds, in which the replicas read Postgres.
insert into eventstore.secrets values
    ('relay', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
