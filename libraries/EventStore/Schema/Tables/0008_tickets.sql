-- Ticket sessions: the one connection that uses a ticket, over all replicas. Unlogged: worthless after a crash.
create unlogged table eventstore.ticket_holders (
    ticket uuid primary key,
    connection text not null,
    opened_at timestamptz not null,     -- by its replica's clock: the later connection keeps the ticket
    told_at timestamptz not null        -- by Postgres's clock: when the row was written
);
create index on eventstore.ticket_holders (told_at);
