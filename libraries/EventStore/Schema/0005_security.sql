-- What all replicas share to seal stream tickets. Made here, so that nothing has to be configured; a row put in its place (32 bytes or
-- more) makes every ticket so far invalid. gen_random_uuid() is strong randomness, 122 bits each.
create table eventstore.secrets (
    name text primary key,
    value bytea not null
);
insert into eventstore.secrets values ('tickets', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

-- Which connection has a ticket now: a ticket opens one at a time, on whichever replica. Of no value after a crash, so not logged.
create unlogged table eventstore.ticket_holders (
    ticket uuid primary key,
    connection text not null,
    opened_at timestamptz not null,     -- by its replica's clock: the later one has the ticket, whoever is told first
    told_at timestamptz not null
);
create index on eventstore.ticket_holders (told_at);
