-- Settings in which all services must agree. The first service that starts writes its own; the others compare.
create table eventstore.settings (
    name text primary key,
    value text not null
);
