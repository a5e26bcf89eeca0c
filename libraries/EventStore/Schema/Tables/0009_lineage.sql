-- The epochs of this log, the newest last. A row is written before the first event of its epoch, under the log's lock,
-- so the log itself proves `common`: the last position that the epoch shares with its parent.
create table eventstore.lineage (
    number bigint primary key,
    epoch text not null unique,         -- random: two promotions of one backup get two epochs
    fingerprint text not null,          -- where its events are written, see fingerprint()
    parent text,                        -- null: a history of its own (created, reset, declared)
    common bigint not null,
    begun_at timestamptz not null default clock_timestamp()
);

-- The first one.
insert into eventstore.lineage (number, epoch, fingerprint, common)
select 1, substr(md5(gen_random_uuid()::text), 1, 10),
    concat_ws('/', c.system_identifier, d.oid, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
        || '/' || 'eventstore.lineage'::regclass::oid, 0
from pg_control_system() c, pg_database d where d.datname = current_database();
