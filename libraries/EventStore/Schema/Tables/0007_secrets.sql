-- Secrets shared by all processes, made here so that nothing has to be configured. gen_random_uuid() is
-- cryptographically strong: 122 random bits each. An operator may replace a value (32 bytes or more).
create table eventstore.secrets (
    name text primary key,
    value bytea not null
);

-- tickets seals stream tickets: a new value invalidates all of them. relay signs the Broadcaster's messages on Redis,
-- so that write access to Redis is not enough to forge one: a new value is in use everywhere after some seconds.
insert into eventstore.secrets
select name, decode(replace(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), '-', ''), 'hex')
from (values ('tickets'), ('relay')) as needed(name);
