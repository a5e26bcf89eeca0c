-- The limits of publishing over HTTP, as they are by default. Rows from before are checked by refusal().
alter table eventstore.outbox
    add constraint outbox_type_is_not_reserved
        check (type not in ('connected', 'resync', 'skipped', 'unauthorized')) not valid,
    add constraint outbox_names_are_short
        check (length(type) <= 256 and length(key) <= 256 and topic !~ '^([^.]*\.){32}') not valid,
    add constraint outbox_data_are_small check (octet_length(data) <= 1048576) not valid;
