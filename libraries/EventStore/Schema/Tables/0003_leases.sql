-- Leases with fencing numbers, by Postgres's clock; see hold_lease.
create table eventstore.leases (
    name text primary key,
    holder text not null,
    fence bigint not null,
    expires_at timestamptz not null
);
