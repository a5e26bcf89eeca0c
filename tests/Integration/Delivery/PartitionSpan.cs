using Npgsql;

namespace Integration.Delivery;

/// <summary>Small partitions, so that a short log has several.</summary>
internal static class PartitionSpan
{
    /// <summary>Sets the positions of a partition from the beginning: the log must be empty.</summary>
    public static Task SetAsync(NpgsqlDataSource database, int positions) =>
        database.ExecuteAsync(
            $"""
            update eventstore.store set partition_span = {positions};
            drop table eventstore.events_000000000;
            select eventstore.ensure_partition(0)
            """
        );
}
