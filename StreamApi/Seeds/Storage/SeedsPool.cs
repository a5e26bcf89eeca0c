namespace StreamApi.Seeds.Storage;

/// <summary>Keys of the seeds' own connection pools to the log's database: an exhausted one does not affect the
/// other.</summary>
internal static class SeedsPool
{
    /// <summary>Changes.</summary>
    public const string Work = "seeds-work";

    /// <summary>Reads for clients' requests.</summary>
    public const string Reads = "seeds-reads";

    /// <summary>Connections of each.</summary>
    public const int WorkConnections = 8,
        ReadConnections = 4;

    public static void AddSeedsPools(this IHostApplicationBuilder builder)
    {
        builder.AddEventStorePool(Work, WorkConnections);
        builder.AddEventStorePool(Reads, ReadConnections, indexesOnly: true);
    }
}
