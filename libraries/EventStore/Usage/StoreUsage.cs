namespace EventStore;

/// <summary>Sizes and replication of the database; <see cref="StoreUsageWatch"/> describes each value.</summary>
/// <param name="LogBytes">The log's partitions, its topics and publishers' ids, with indexes, on disk.</param>
/// <param name="LagSeconds">Time until the slowest standby has replayed a commit; 0 without a standby, or when
/// idle.</param>
/// <param name="InactiveSlots">Replication slots without a client: each keeps WAL until its standby returns.</param>
internal sealed record StoreUsage(
    long LogBytes,
    long DatabaseBytes,
    long Standbys,
    double LagSeconds,
    long LagBytes,
    long InactiveSlots,
    long RetainedBytes
)
{
    /// <summary>Reads the values. Without the role <c>pg_monitor</c> the lag is 0, because Postgres hides it.</summary>
    public const string Query = """
        with wal as (
            select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as head
        ), standbys as (
            select count(*) as connected, max(extract(epoch from replay_lag))::float8 as seconds,
                max(pg_wal_lsn_diff(head, replay_lsn))::bigint as bytes
            from pg_stat_replication, wal where state is distinct from 'backup'
        ), slots as (
            select count(*) filter (where not active) as inactive,
                max(pg_wal_lsn_diff(head, restart_lsn))::bigint as bytes
            from pg_replication_slots, wal
        )
        select (coalesce((select sum(bytes) from eventstore.partitions()), 0) + eventstore.bytes_beside_log())::bigint,
            pg_database_size(current_database()), standbys.connected, coalesce(standbys.seconds, 0),
            coalesce(greatest(standbys.bytes, 0), 0), slots.inactive, coalesce(greatest(slots.bytes, 0), 0)
        from standbys, slots
        """;
}
