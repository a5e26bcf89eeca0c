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

-- The epoch that a store had before this table: its clients' ids stay valid. store.id has no other use any more; it
-- stays for servers of the former version, whose functions read it until this version's are applied.
insert into eventstore.lineage (number, epoch, fingerprint, common)
select 1, substr(md5(concat_ws('/', s.id, here.place)), 1, 10),
    here.place || '/' || 'eventstore.lineage'::regclass::oid, 0
from eventstore.store s, (
    select concat_ws('/', c.system_identifier, d.oid, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)) as place
    from pg_control_system() c, pg_database d where d.datname = current_database()
) here;

-- The epoch in which the writer last proved that the log has all of its events, see confirm_run(). Null: not yet known
-- to need a proof.
alter table eventstore.runs add column epoch text;
